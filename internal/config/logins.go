package config

import "time"

// Logins is how routers check logins, and edges that run one.
type Logins struct {
	// PasswordMemory is for how long a process remembers that a password was right, so
	// that it is not hashed again. Default 15m; 0 for not at all.
	PasswordMemory time.Duration
}

func (b *binder) logins(l *Logins) {
	b.group("Logins, where a router runs")
	b.dur(&l.PasswordMemory, "password-memory", 15*time.Minute, "`time` for which a right password is not hashed again; 0 to hash it each time")
}

func (l *Logins) validate() error {
	var c check
	c.that(l.PasswordMemory >= 0, "password-memory", "%s is less than nothing", l.PasswordMemory)
	return c.err
}
