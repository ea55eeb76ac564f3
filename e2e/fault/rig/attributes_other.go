//go:build !linux

package rig

import "syscall"

// attributes do nothing: a killed driver leaves its processes behind.
func attributes() *syscall.SysProcAttr { return nil }
