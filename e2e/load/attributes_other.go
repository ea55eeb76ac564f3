//go:build !linux

package load

import "syscall"

// attributes do nothing: processes outlive a driver that is killed.
func attributes() *syscall.SysProcAttr { return nil }
