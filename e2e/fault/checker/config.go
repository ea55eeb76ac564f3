package checker

import "time"

// Config is how strict a checker is.
type Config struct {
	// Back is how soon after the last fault's healing messages have to be accepted
	// again steadily. Default 10s.
	Back time.Duration
	// Pause is how long nothing may be accepted while messages still count as
	// steadily accepted. It has to be well above the time between two messages of the
	// workload, and of what a busy machine loses. Default 2s.
	Pause time.Duration
	// Examples is how many violations of each class the report keeps. All are
	// counted. Default 10.
	Examples int
}

func (c Config) withDefaults() Config {
	if c.Back <= 0 {
		c.Back = 10 * time.Second
	}
	if c.Pause <= 0 {
		c.Pause = 2 * time.Second
	}
	if c.Examples <= 0 {
		c.Examples = 10
	}
	return c
}
