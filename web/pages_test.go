package web

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

// folder has a file of each kind.
var folder = fstest.MapFS{
	"index.html": {Data: []byte("<!doctype html><title>" + strings.Repeat("page ", 100) + "</title>")},
	"app.js":     {Data: []byte(strings.Repeat("export {};\n", 100))},
	"app.css":    {Data: []byte(strings.Repeat("p { color: red }\n", 100))},
	"icon.svg":   {Data: []byte("<svg/>")}, // no shorter when it is compressed
	"deep/x.js":  {Data: []byte("export {};")},
}

func pages(t *testing.T) *Pages {
	t.Helper()
	p, err := New(folder)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// answered is an answer as a client reads it, without its body.
type answered struct {
	status int
	header http.Header
	length int64
	ends   bool // the connection
}

// ask asks for something.
func ask(t *testing.T, p *Pages, method, target string, headers ...string) (a answered, body []byte) {
	t.Helper()
	r := httptest.NewRequest(method, target, http.NoBody)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	status, head, body := p.Answer(r)
	answer, err := http.ReadResponse(bufio.NewReader(io.MultiReader(bytes.NewReader(head), bytes.NewReader(body))), r)
	if err != nil {
		t.Fatalf("%s %s is answered by %q: %v", method, target, head, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != status {
		t.Errorf("the status is %d, and %d in the head", status, answer.StatusCode)
	}
	if method == http.MethodHead && body != nil {
		t.Errorf("HEAD %s is answered with %q", target, body)
	}
	all, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	return answered{status, answer.Header, answer.ContentLength, answer.Close}, all
}

func TestFilesAreServedAsTheyAre(t *testing.T) {
	p := pages(t)
	for target, want := range map[string]struct{ file, kind string }{
		"/":           {"index.html", "text/html; charset=utf-8"},
		"/?a=b":       {"index.html", "text/html; charset=utf-8"},
		"/app.js":     {"app.js", "text/javascript; charset=utf-8"},
		"/app.css":    {"app.css", "text/css; charset=utf-8"},
		"/icon.svg":   {"icon.svg", "image/svg+xml"},
		"/app.js?v=1": {"app.js", "text/javascript; charset=utf-8"},
	} {
		answer, body := ask(t, p, "GET", target)
		if answer.status != http.StatusOK || !bytes.Equal(body, folder[want.file].Data) {
			t.Errorf("%s is answered by %d with %q", target, answer.status, body)
		}
		for name, value := range map[string]string{
			"Content-Type": want.kind, "Content-Encoding": "", "Cache-Control": "no-cache", "Vary": "Accept-Encoding",
		} {
			if got := answer.header.Get(name); got != value {
				t.Errorf("%s has %s %q, not %q", target, name, got, value)
			}
		}
		if !answer.ends {
			t.Errorf("%s does not say that the connection ends", target)
		}
	}
}

func TestEveryAnswerBindsTheBrowser(t *testing.T) {
	p := pages(t)
	for _, one := range [][2]string{{"GET", "/"}, {"GET", "/app.js"}, {"HEAD", "/"}, {"GET", "/nowhere"}, {"POST", "/"}} {
		answer, _ := ask(t, p, one[0], one[1])
		for name, value := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Content-Security-Policy": policy, "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
		} {
			if got := answer.header.Get(name); got != value {
				t.Errorf("%s %s has %s %q, not %q", one[0], one[1], name, got, value)
			}
		}
		if _, err := http.ParseTime(answer.header.Get("Date")); err != nil {
			t.Errorf("%s %s has the date %q", one[0], one[1], answer.header.Get("Date"))
		}
	}
	for _, open := range []string{"unsafe-inline", "unsafe-eval", "data:", "*", "http:"} {
		if strings.Contains(policy, open) {
			t.Errorf("the policy allows %s", open)
		}
	}
}

func TestCompressedForWhoTakesIt(t *testing.T) {
	p := pages(t)
	for accepts, want := range map[string]bool{
		"gzip": true, "gzip, deflate, br": true, "br;q=1.0, GZIP;q=0.8": true, "*": true, "x-gzip": true, "gzip;q=0.001": true,
		"": false, "br": false, "gzip;q=0": false, "gzip; q=0.0, *": false, "*;q=0": false, "identity": false, "gzip;q=x": false,
	} {
		var headers []string
		if accepts != "" {
			headers = []string{"Accept-Encoding", accepts}
		}
		answer, body := ask(t, p, "GET", "/app.js", headers...)
		if got := answer.header.Get("Content-Encoding") == "gzip"; got != want {
			t.Errorf("%q gets %v", accepts, answer.header)
			continue
		}
		if want {
			r, err := gzip.NewReader(bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			if body, err = io.ReadAll(r); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(body, folder["app.js"].Data) {
			t.Errorf("%q gets %q", accepts, body)
		}
	}
	if answer, _ := ask(t, p, "GET", "/icon.svg", "Accept-Encoding", "gzip"); answer.header.Get("Content-Encoding") != "" {
		t.Error("what is no shorter by it is compressed")
	}
}

func TestWhatIsKnownIsNotSentAgain(t *testing.T) {
	p := pages(t)
	first, _ := ask(t, p, "GET", "/app.js")
	packed, _ := ask(t, p, "GET", "/app.js", "Accept-Encoding", "gzip")
	tag, packedTag := first.header.Get("ETag"), packed.header.Get("ETag")
	if tag == "" || tag == packedTag {
		t.Fatalf("the forms have the tags %q and %q", tag, packedTag)
	}
	for _, row := range []struct {
		match, accepts string
		known          bool
	}{
		{tag, "", true},
		{`"x", W/` + tag, "", true},
		{"*", "", true},
		{packedTag, "gzip", true},
		{tag, "gzip", false}, // it is another body
		{`"x"`, "", false},
	} {
		answer, body := ask(t, p, "GET", "/app.js", "If-None-Match", row.match, "Accept-Encoding", row.accepts)
		if got := answer.status == http.StatusNotModified; got != row.known {
			t.Errorf("%s is answered by %d", row.match, answer.status)
		}
		if row.known && (len(body) > 0 || answer.header.Get("ETag") == "") {
			t.Errorf("%s is answered by %d bytes and %v", row.match, len(body), answer.header)
		}
	}
	other, err := New(fstest.MapFS{"app.js": {Data: append(bytes.Clone(folder["app.js"].Data), '\n')}})
	if err != nil {
		t.Fatal(err)
	}
	if changed, _ := ask(t, other, "GET", "/app.js"); changed.header.Get("ETag") == tag {
		t.Error("another file has the same tag")
	}
}

func TestHeadHasNoBody(t *testing.T) {
	p := pages(t)
	get, body := ask(t, p, "GET", "/")
	head, none := ask(t, p, "HEAD", "/")
	if head.status != http.StatusOK || len(none) > 0 {
		t.Errorf("HEAD is answered by %d with %q", head.status, none)
	}
	if head.length != int64(len(body)) || head.header.Get("ETag") != get.header.Get("ETag") {
		t.Errorf("HEAD has %v, and GET %v", head.header, get.header)
	}
	if missing, _ := ask(t, p, "HEAD", "/nowhere"); missing.status != http.StatusNotFound {
		t.Errorf("HEAD of nothing is answered by %d", missing.status)
	}
}

func TestNothingElseIsThere(t *testing.T) {
	p := pages(t)
	for _, row := range []struct {
		method, target string
		status         int
	}{
		{"GET", "/index.html", 404},
		{"GET", "/app", 404},
		{"GET", "/app.js/", 404},
		{"GET", "/deep/x.js", 404},
		{"GET", "/../app.js", 404},
		{"GET", "/%2e%2e/pages.go", 404},
		{"GET", "//app.js", 404},
		{"OPTIONS", "*", 404},
		{"POST", "/", 405},
		{"DELETE", "/app.js", 405},
		{"POST", "/nowhere", 404},
	} {
		answer, body := ask(t, p, row.method, row.target)
		if answer.status != row.status || int64(len(body)) != answer.length {
			t.Errorf("%s %s is answered by %d with %q", row.method, row.target, answer.status, body)
		}
		if row.status == 405 && answer.header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s is not told what is allowed: %v", row.method, answer.header)
		}
	}
}

func TestUnknownKindsAreNotServed(t *testing.T) {
	if _, err := New(fstest.MapFS{"a.exe": {}}); err == nil || !strings.Contains(err.Error(), "a.exe") {
		t.Errorf("the error is %v", err)
	}
}

// The page needs nothing from elsewhere, and has all that it names.
func TestTheChatPageIsWhole(t *testing.T) {
	p, err := Chat(Files{})
	if err != nil {
		t.Fatal(err)
	}
	_, whole := ask(t, p, "GET", "/")
	all := 0
	for target, made := range p.byPath {
		all += len(made.gzip.body)
		for _, far := range []string{"http://", "https://", "//cdn", "@import", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("} {
			text := strings.ReplaceAll(string(made.plain.body), "http://www.w3.org/2000/svg", "") // a name, which nobody fetches
			if strings.Contains(text, far) {
				t.Errorf("%s has %q", target, far)
			}
		}
		if target != "/" && !strings.Contains(string(whole), `"`+target[1:]+`"`) {
			t.Errorf("index.html does not name %s, so that it comes late or not at all", target)
		}
	}
	if all > 40<<10 {
		t.Errorf("the page has %d bytes compressed: it is to be there at once on a slow link", all)
	}
}

func TestThePolicyLetsThePageReachItsFilesAndNothingMore(t *testing.T) {
	for url, want := range map[string]string{
		"https://files.example.org":      "https://files.example.org",
		"https://files.example.org:8081": "https://files.example.org:8081",
		"http://127.0.0.1:8081/below":    "http://127.0.0.1:8081",
		"":                               "",
		"http://[::1]:8081":              "", // a policy has no word for it
		"https://a.example;script-src":   "",
		"https://*":                      "",
	} {
		p, err := Chat(Files{URL: url, Size: 1 << 30})
		if err != nil {
			t.Fatal(err)
		}
		answer, body := ask(t, p, "GET", "/")
		said := `<meta name="limegrove-files" content="` + url + `" data-size="1073741824">`
		if got := strings.Contains(string(body), said); got != (want != "") {
			t.Errorf("%q: the page says where files are: %t", url, got)
		}
		allowed := policy
		if want != "" {
			allowed = strings.NewReplacer("img-src 'self'", "img-src 'self' "+want, "connect-src 'self'", "connect-src 'self' "+want).Replace(policy)
		}
		if got := answer.header.Get("Content-Security-Policy"); got != allowed {
			t.Errorf("%q: the policy is %s", url, got)
		}
		if answer, _ = ask(t, p, "GET", "/app.js"); answer.header.Get("Content-Security-Policy") != allowed {
			t.Errorf("%q: that of a module is another", url)
		}
	}
	p, err := Chat(Files{URL: `https://files.example.org/"><script>`, Size: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, body := ask(t, p, "GET", "/"); strings.Contains(string(body), `"><script>`) {
		t.Error("an address becomes markup")
	}
}
