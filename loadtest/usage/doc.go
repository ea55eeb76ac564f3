// Package usage reads what processes of this machine have used and hold, from /proc, so that any
// server can be measured by the same means, without asking it.
package usage
