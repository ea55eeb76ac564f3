// Package version tells of which version the programs are.
package version

import "runtime/debug"

// stamp is what the linker was told:
//
//	go build -ldflags "-X limegrove/internal/version.stamp=v1.2.3" ./cmd/edge
var stamp string

// unknown is the version of a program that was built of files that are in no repository.
const unknown = "unknown"

// String is what the linker was told; otherwise the commit that the program was built of, with "-changed" behind it when
// files differed from it; otherwise "unknown".
func String() string {
	info, _ := debug.ReadBuildInfo()
	return of(stamp, info)
}

// of is String of a stamp and of what the compiler noted, which may be nil.
func of(stamp string, info *debug.BuildInfo) string {
	if stamp != "" {
		return stamp
	}
	if info == nil {
		return unknown
	}
	commit, changed := unknown, ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) > short:
			commit = s.Value[:short]
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "-changed"
		}
	}
	if commit == unknown {
		return unknown
	}
	return commit + changed
}

// short is how many letters name a commit.
const short = 12
