package database

import (
	"fmt"

	"github.com/lib/pq"
)

// Address is where a DSN leads.
type Address struct {
	Host     string // a name, an IP address, or the directory of a Unix socket
	Port     int
	User     string
	Password string
	Database string
}

// ParseDSN reads a DSN as Open does, with what it leaves to the environment
// variables of libpq.
func ParseDSN(dsn string) (Address, error) {
	c, err := pq.NewConfig(dsn)
	if err != nil {
		return Address{}, fmt.Errorf("database: read DSN: %w", err)
	}
	return Address{Host: c.Host, Port: int(c.Port), User: c.User, Password: c.Password, Database: c.Database}, nil
}
