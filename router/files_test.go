package router

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"limegrove/files"
	"limegrove/internal/natstest"
	"limegrove/lime"
	"limegrove/resource"
)

// filing asks of /files what sessions ask.
type filing struct {
	*testing.T
	store *files.Store
	mux   *resource.Mux
}

func newFiling(t *testing.T, guests bool) filing {
	t.Helper()
	store, err := files.Open(t.Context(), files.Config{NATS: natstest.Start(t), MaxSize: 1000, Quota: 1500})
	if err != nil {
		t.Fatal(err)
	}
	mux, err := resource.New(resource.Config{})
	if err != nil {
		t.Fatal(err)
	}
	resource.HandleFiles(mux, fileStore{store, "https://files.example.org"}, guests)
	return filing{t, store, mux}
}

// asks wants a code, 0 for success, and returns the file of the answer.
func (f filing) asks(from string, method lime.Method, uri, body string, code lime.Code, as ...func(*resource.Request)) (got lime.File) {
	f.Helper()
	u, err := lime.ParseURI(uri)
	if err != nil {
		f.Fatal(err)
	}
	r := resource.Request{ID: "1", From: lime.MustParseNode(from), Method: method, URI: u, Resource: json.RawMessage(body)}
	for _, change := range as {
		change(&r)
	}
	a, ok := f.mux.Serve(f.Context(), r)
	if !ok || (a.Reason == nil) != (code == 0) || a.Reason != nil && a.Reason.Code != code {
		f.Fatalf("%s %s %s by %s: %v, want code %d", method, uri, body, from, a.Reason, code)
	}
	if a.Type == lime.MediaFile {
		if err := json.Unmarshal(a.Resource, &got); err != nil {
			f.Fatal(err)
		}
	}
	return got
}

func TestFileIsAnnouncedUploadedAndRemoved(t *testing.T) {
	f := newFiling(t, false)
	const ana, rui = "ana@example.org/home", "rui@example.org/home"
	got := f.asks(ana, lime.MethodSet, "/files", `{"name":"a b.png","type":"image/png","size":5}`, 0)
	id, ok := files.ParseID(got.ID)
	if !ok || got.Complete || got.Download != nil || got.Upload == nil || got.Upload.URI != "https://files.example.org/files/"+got.ID {
		t.Fatalf("it is %+v", got)
	}
	if want := "https://files.example.org/files/" + got.ID + "/" + f.store.Capability(id) + "/a%20b.png"; got.URI != want {
		t.Errorf("its link is %s, want %s", got.URI, want)
	}
	if of, owner, err := f.store.Holder(got.Upload.Token, files.ToUpload); err != nil || of != id || owner != "ana@example.org" {
		t.Errorf("the ticket is for %s of %s, %v", of, owner, err)
	}

	u, _, err := f.store.Resume(t.Context(), id)
	if err == nil {
		_, err = u.ReadFrom(t.Context(), strings.NewReader("hello"), make([]byte, f.store.ChunkSize()))
	}
	if err == nil {
		_, err = u.Complete(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	got = f.asks(ana, lime.MethodGet, "/files/"+got.ID, "", 0)
	if !got.Complete || got.Upload != nil || got.Download == nil || len(got.SHA256) != 64 {
		t.Errorf("it is %+v", got)
	}
	if of, _, err := f.store.Holder(got.Download.Token, files.ToDownload); err != nil || of != id {
		t.Errorf("the ticket is for %s, %v", of, err)
	}
	if link := got.Link(); link.URI != got.URI || link.Size != 5 || link.Type != "image/png" || link.Title != "a b.png" {
		t.Errorf("what is sent is %+v", link)
	}

	f.asks(ana, lime.MethodGet, "/files", "", 0)
	f.asks(rui, lime.MethodGet, "/files/"+got.ID, "", 67) // nobody learns that it is there
	f.asks(rui, lime.MethodDelete, "/files/"+got.ID, "", 67)
	f.asks(ana, lime.MethodDelete, "/files/"+got.ID, "", 0)
	f.asks(ana, lime.MethodDelete, "/files/"+got.ID, "", 67)
	f.asks(ana, lime.MethodGet, "/files/"+got.ID, "", 67)
	f.asks(ana, lime.MethodGet, "/files/nothing", "", 67)
}

func TestWhatIsNoFileIsRefused(t *testing.T) { // L-CMD-12, L-CMD-14
	f := newFiling(t, false)
	const ana = "ana@example.org/home"
	for body, code := range map[string]lime.Code{
		``: 22, `"file"`: 64, `{"name":"a"}`: 64, `{"size":5}`: 64, `{"name":"a","size":"5"}`: 64, `{"name":"a","size":1001}`: 34,
		`{"name":"a","size":5,"sha256":"xyz"}`: 64, `{"name":"a","size":5,"sha256":"abcd"}`: 64, `{"name":"a","size":5,"type":"image"}`: 64,
	} {
		f.asks(ana, lime.MethodSet, "/files", body, code)
	}
	const good = `{"name":"a","size":1000}`
	f.asks(ana, lime.MethodSet, "/files", good, 23, func(r *resource.Request) { r.Type = "image/png" })
	f.asks(ana, lime.MethodSet, "/files", good, 35, func(r *resource.Request) { r.Guest = true })
	f.asks(ana, lime.MethodSet, "/files", good, 35, func(r *resource.Request) { r.PP = lime.MustParseNode("rui@example.org/home") })
	f.asks(ana, lime.MethodGet, "lime://rui@example.org/files", "", 35)
	f.asks(ana, lime.MethodMerge, "/files", good, 63)
	f.asks(ana, lime.MethodSet, "/files", good, 0)
	f.asks(ana, lime.MethodSet, "/files", good, 34)
	digest := hex.EncodeToString(make([]byte, 32))
	f.asks("rui@example.org", lime.MethodSet, "/files", fmt.Sprintf(`{"name":"a","size":5,"sha256":"%s"}`, digest), 0)
}

func TestGuestsMayHaveFilesWhereTheyMay(t *testing.T) {
	f := newFiling(t, true)
	f.asks("guest@example.org/1", lime.MethodSet, "/files", `{"name":"a","size":5}`, 0, func(r *resource.Request) { r.Guest = true })
}

// Whoever deletes their account takes their files along.
func TestFilesGoWithTheirAccount(t *testing.T) {
	nc := natstest.Start(t)
	store, err := files.Open(t.Context(), files.Config{NATS: nc})
	if err != nil {
		t.Fatal(err)
	}
	ana := lime.MustParseIdentity("ana@t.org")
	w := newWorld(t, Config{Files: store})
	w.account("ana@t.org")
	if _, err := store.Announce(t.Context(), ana, files.Announcement{Name: "a", Size: 5}); err != nil {
		t.Fatal(err)
	}
	if err := w.router.cfg.Forget(t.Context(), ana); err != nil {
		t.Fatal(err)
	}
	if all, err := store.List(t.Context(), ana); err != nil || len(all) > 0 {
		t.Errorf("there are %v, %v", all, err)
	}
}
