package lime

import (
	"strings"
	"testing"
	"unsafe"
)

func TestAPackedNodeIsWhatWasPacked(t *testing.T) {
	for _, node := range []string{"ana@t.org/web", "Ana@T.org/Web Site.1", "ana@t.org/c/d@e", "ana@t.org/é"} {
		n := MustParseNode(node)
		whole := strings.Clone(n.String() + "s-1" + "w%65b")
		for _, text := range []string{"", whole, n.String(), n.String() + "s-2w%65b", strings.Repeat("x", len(whole))} {
			p, ok := Pack(text, n, "s-1", "w%65b")
			if !ok || p.Node() != n || p.Identity() != n.Identity || p.String() != n.String() || p.Tag() != "s-1" || p.Behind() != "w%65b" || p.IsZero() {
				t.Errorf("%s, given %q: %v %q %q %q, %v", node, text, p.Node(), p.String(), p.Tag(), p.Behind(), ok)
			}
			if p.Text() != whole || text == whole && unsafe.StringData(p.Text()) != unsafe.StringData(text) {
				t.Errorf("%s, given %q: the text is %q", node, text, p.Text())
			}
		}
	}
	if _, ok := Pack("", Node{Identity{"ana", "t.org"}, strings.Repeat("x", 1<<16)}, "s", ""); ok {
		t.Error("an instance of 64 KiB is taken")
	}
}

func TestWithoutANodeThereIsATag(t *testing.T) {
	for _, tag := range []string{"", "s-1"} {
		p := Tagged(tag)
		if !p.IsZero() || p.Node() != (Node{}) || p.String() != "" || p.Tag() != tag || p.Behind() != "" || p.Name()+p.Domain()+p.Instance() != "" {
			t.Errorf("%q: %+v", tag, p)
		}
	}
	if size := unsafe.Sizeof(Packed{}); size > 24 {
		t.Errorf("it takes %d bytes, want 24 at most", size)
	}
}
