package checker

import (
	"fmt"
	"time"
)

// Class is a kind of violation.
type Class string

// The classes; the package comment says what each is.
const (
	Lost         Class = "lost"
	Unjudged     Class = "unjudged"
	Duplicated   Class = "duplicated"
	Reordered    Class = "reordered"
	Misdelivered Class = "misdelivered"
	Unknown      Class = "unknown"
	Altered      Class = "altered"
	Early        Class = "early"
	AfterFailed  Class = "after-failed"
	Retracted    Class = "retracted"
	Belied       Class = "belied"
	Died         Class = "died"
	Outage       Class = "outage"
	Vacuous      Class = "vacuous"
)

// Classes are all of them, the gravest first.
func Classes() []Class {
	return []Class{
		Lost, Unjudged, Duplicated, Reordered, Misdelivered, Unknown, Altered,
		Early, AfterFailed, Retracted, Belied, Died, Outage, Vacuous,
	}
}

// Violation is one broken promise.
type Violation struct {
	Class Class
	At    time.Duration // of the event that shows it
	Text  string
}

// String is the violation in a line of the report.
func (v Violation) String() string {
	return fmt.Sprintf("%s at %.3fs: %s", v.Class, v.At.Seconds(), v.Text)
}
