//go:build crds

// Package crds pins modules for what they define of Kubernetes' kinds, of which nothing is built.
package crds

import (
	_ "github.com/kedacore/keda/v2/version" // the smallest of its packages
)
