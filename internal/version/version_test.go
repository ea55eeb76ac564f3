package version

import (
	"runtime/debug"
	"testing"
)

func TestVersionIsTheStampOrTheCommit(t *testing.T) {
	setting := func(key, value string) debug.BuildSetting { return debug.BuildSetting{Key: key, Value: value} }
	commit := setting("vcs.revision", "0123456789abcdef0123456789abcdef01234567")
	for _, tc := range []struct {
		name, stamp string
		info        *debug.BuildInfo
		want        string
	}{
		{"the stamp", "v1.2.3", &debug.BuildInfo{Settings: []debug.BuildSetting{commit}}, "v1.2.3"},
		{"a commit", "", &debug.BuildInfo{Settings: []debug.BuildSetting{commit, setting("vcs.modified", "false")}}, "0123456789ab"},
		{"a commit and changes", "", &debug.BuildInfo{Settings: []debug.BuildSetting{setting("vcs.modified", "true"), commit}}, "0123456789ab-changed"},
		{"no repository", "", &debug.BuildInfo{Settings: []debug.BuildSetting{setting("CGO_ENABLED", "0")}}, "unknown"},
		{"nothing noted", "", nil, "unknown"},
	} {
		if got := of(tc.stamp, tc.info); got != tc.want {
			t.Errorf("%s: %q, not %q", tc.name, got, tc.want)
		}
	}
	if String() == "" {
		t.Error("a test has no version")
	}
}
