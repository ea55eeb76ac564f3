package lime

import "testing"

func TestNodePartsAndPrinting(t *testing.T) {
	n, err := ParseNode("a@b/c@d")
	if err != nil || n != (Node{Identity{"a", "b"}, "c@d"}) || n.String() != "a@b/c@d" {
		t.Fatal(n, err)
	}
}
