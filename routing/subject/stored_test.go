package subject

import (
	"testing"

	"limegrove/lime"
)

func TestStreamsSubjects(t *testing.T) {
	key, err := MakeKey(lime.MustParseNode("Ana.Maria@Example.org").Identity)
	if err != nil {
		t.Fatal(err)
	}
	for got, want := range map[string]string{
		LogStream(3):              "LOG_3",
		InboxStream(12):           "INBOX_12",
		LogAll(3):                 "log.3.>",
		InboxAll(3):               "inbox.3.>",
		key.Log(3, Identity):      "log.3.org.example.@.ana%2Emaria._",
		key.Inbox(3, Token("Tv")): "inbox.3.org.example.@.ana%2Emaria.tv",
		key.Node(Identity):        "to.org.example.@.ana%2Emaria._",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	for _, s := range []string{key.Log(10, "x"), key.Inbox(0, "x")} {
		if k, token, ok := SplitStored(s); !ok || k != key || token != "x" {
			t.Errorf("%s is of %s and %s (%v)", s, k, token, ok)
		}
	}
	for _, s := range []string{"", "log", "log.", "log.1", "log.1.x", "to.a.@.b.c", "inbox.1"} {
		if _, _, ok := SplitStored(s); ok {
			t.Errorf("%q was taken for a stored message's", s)
		}
	}
}

// What is stored depends on it, so these must never change.
func TestPartitionsAreForEver(t *testing.T) {
	for key, want := range map[Key]int{
		"org.example.@.ana":    8,
		"org.example.@.rui":    14,
		"localhost.@.lia":      7,
		"net.msging.@.a%2Eb":   8,
		"br.com.exemplo.@.joã": 0,
	} {
		if got := key.Partition(16); got != want {
			t.Errorf("%s is in partition %d of 16, want %d", key, got, want)
		}
		if got := key.Partition(1); got != 0 {
			t.Errorf("%s is in partition %d of 1", key, got)
		}
	}
}

func TestAckSubjectsTellWhatTheyAreAbout(t *testing.T) {
	prefix := AckPrefix("inc-1")
	s := string(AppendAck(nil, prefix, 15, 1<<63))
	if p, n, ok := ParseAck(s, prefix); !ok || p != 15 || n != 1<<63 {
		t.Errorf("%s tells %d and %d (%v)", s, p, n, ok)
	}
	for _, s := range []string{"", "ack.inc-1.", "ack.inc-1.1", "ack.inc-1.x.1", "ack.inc-1.1.-", "ack.inc-2.1.1"} {
		if _, _, ok := ParseAck(s, prefix); ok {
			t.Errorf("%q was taken for an acknowledgement", s)
		}
	}
}
