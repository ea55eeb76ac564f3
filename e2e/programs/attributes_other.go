//go:build !linux

package programs

import "syscall"

// Attributes do nothing: a killed driver leaves its processes behind.
func Attributes() *syscall.SysProcAttr { return nil }
