package gateway

import (
	"crypto/hmac"
	"crypto/sha256"
)

// seal is a key that binds task tokens to the user that they were given to.
type seal []byte

// close returns the token with a MAC over it and the user's name before it.
func (s seal) close(user string, token []byte) []byte {
	return append(s.mac(user, token), token...)
}

// open returns the token that was sealed for the user.
func (s seal) open(user string, sealed []byte) (token []byte, ok bool) {
	if len(sealed) < sha256.Size {
		return nil, false
	}
	token = sealed[sha256.Size:]
	return token, hmac.Equal(sealed[:sha256.Size], s.mac(user, token))
}

func (s seal) mac(user string, token []byte) []byte {
	h := hmac.New(sha256.New, s)
	h.Write([]byte(user))
	h.Write([]byte{0}) // names have none: where the name ends is clear
	h.Write(token)
	return h.Sum(nil)
}
