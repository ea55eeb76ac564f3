package history_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"limegrove/e2e/fault/history"
)

func TestWhatIsRecordedIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.jsonl")
	r, err := history.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	events := []history.Event{
		{Kind: history.Begin, Text: "seed 1"},
		{Kind: history.Established, Session: "ana#1", Node: "ana@t/1", Edge: "edge-1", ID: "x"},
		{Kind: history.Sent, Session: "ana#1", ID: "1", To: "rui@t", Seq: 1},
		{Kind: history.Failed, Session: "ana#1", ID: "1", From: "@t", Code: 51},
		{Kind: history.Delivered, Session: "ana#1", ID: "1", From: "ana@t/1", To: "rui@t", Sender: "ana@t/1", Seq: 1},
		{Kind: history.FaultBegin, Fault: 3, Name: "edge-drain", Target: "edge-1"},
		{
			Kind: history.Exit, Target: "edge-1", Name: history.Edge, Text: "signal: killed", Status: -1,
			Signal: history.Terminated, Took: time.Minute, Ready: true,
		},
		{Kind: history.End},
	}
	for _, e := range events {
		r.Record(e)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}

	var got []history.Event
	for e, err := range history.ReadFiles(path) {
		if err != nil {
			t.Fatal(err)
		}
		if n := len(got); e.At < 0 || n > 0 && e.At < got[n-1].At {
			t.Fatalf("event %d goes back in time", n)
		}
		got = append(got, e)
	}
	for i := range got {
		got[i].At = 0
	}
	if !slices.Equal(got, events) {
		t.Errorf("read %+v\nwant %+v", got, events)
	}
	if _, err := history.Create(path); err == nil {
		t.Error("a history that exists was opened for writing")
	}
}

func TestFilesAreMergedByTime(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	a := write("a", "{\"at\":1,\"event\":\"begin\"}\n{\"at\":4,\"event\":\"end\"}\n")
	b := write("b", "{\"at\":2,\"event\":\"sent\"}\n{\"at\":3,\"event\":\"accepted\"}\n")
	var got []history.Kind
	for e, err := range history.ReadFiles(a, b) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e.Kind)
	}
	if want := []history.Kind{history.Begin, history.Sent, history.Accepted, history.End}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestBrokenLineIsNamed(t *testing.T) {
	text := "{\"at\":1,\"event\":\"begin\"}\n{\"at\":\n"
	var last error
	for _, err := range history.Read(strings.NewReader(text)) {
		last = err
	}
	if last == nil || !strings.Contains(last.Error(), "line 2") {
		t.Errorf("got %v, want an error about line 2", last)
	}
}

func BenchmarkRead(b *testing.B) {
	line := []byte(`{"at":123456,"event":"delivered","session":"u17/a#3","id":"u1/a-u17-44","from":"u1@localhost/a",` +
		`"to":"u17@localhost","sender":"u1@localhost/a","seq":44}` + "\n")
	text := bytes.Repeat(line, 1000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		for _, err := range history.Read(bytes.NewReader(text)) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}
