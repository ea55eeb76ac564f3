package subject

import (
	"strings"
	"testing"

	"limegrove/lime"
)

func TestGroupsHaveSubjectsByPartition(t *testing.T) {
	k, err := MakeKey(lime.MustParseIdentity("Ops.1@groups.Example.org"))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ subject, all string }{
		{k.Group(3), GroupAll(3)}, {k.Fan(3), FanAll(3)},
	} {
		if !strings.HasPrefix(row.subject, strings.TrimSuffix(row.all, ">")) || !strings.HasSuffix(row.subject, ".3.org.example.groups.@.ops%2E1") {
			t.Errorf("%s is not of %s", row.subject, row.all)
		}
		if got, ok := SplitGroup(row.subject); got != k || !ok {
			t.Errorf("%s is of %q, %v", row.subject, got, ok)
		}
	}
	for _, other := range []string{"", "group.3", "group.3.x", "log.3.x.@.y._", "fan"} {
		if k, ok := SplitGroup(other); ok {
			t.Errorf("%q is of %q", other, k)
		}
	}
	for name, want := range map[string]int{GroupStream(12): 12, "GROUP_": -1, "GROUP_x": -1, "LOG_1": -1, "GROUP_-1": -1} {
		if p, ok := GroupPartitionOf(name); ok != (want >= 0) || ok && p != want {
			t.Errorf("%s is of partition %d, %v", name, p, ok)
		}
	}
	if _, ok := PartitionOf(GroupStream(1)); ok {
		t.Error("it is taken for a log")
	}
}
