//go:build !linux

package rabbittest

import "os/exec"

// endWithParent does nothing: a killed test binary leaves its servers behind.
func endWithParent(*exec.Cmd) {}

func kill(cmd *exec.Cmd) { _ = cmd.Process.Kill() } // it may have ended
