// Package password makes and checks what column users.password holds.
//
// Koji keeps passwords there as they are. Such rows stay good; new ones hold a
// bcrypt hash, which is told apart by its prefix.
package password

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

const prefix = "$2"

// nobodys is the hash of a password that nobody knows.
const nobodys = "$2a$10$UCO83Ij83VUjSrJLJD.OpeCVBVVt4cw46ShrsCUZNJgbQRUU5iQqy"

// Hash returns what to store for a password.
func Hash(password string) (string, error) {
	if password == "" {
		return "", errors.New("a password must not be empty")
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	return string(hash), nil
}

// Check reports whether password is the one that stored was made from. An empty
// password is never right. A wrong one takes as long whatever is stored, so that
// nobody learns from it which users there are: for those who are not, stored is "".
func Check(stored, password string) bool {
	if password == "" {
		return false
	}
	if strings.HasPrefix(stored, prefix) {
		return bcrypt.CompareHashAndPassword([]byte(stored), []byte(password)) == nil
	}
	// Hashed so that the comparison takes as long for any length.
	a, b := sha256.Sum256([]byte(stored)), sha256.Sum256([]byte(password))
	if subtle.ConstantTimeCompare(a[:], b[:]) == 1 {
		return true
	}
	_ = bcrypt.CompareHashAndPassword([]byte(nobodys), []byte(password)) // for the time it takes
	return false
}
