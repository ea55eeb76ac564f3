package config

import (
	"net/url"
	"strings"
	"time"
)

// Files is about what people send each other beside envelopes. All processes say the same, but for Listen, Transfers and
// IdleTimeout, which are an edge's.
type Files struct {
	// URL is under which clients reach Listen of any edge: scheme and host, and a path that a balancer takes away. Default
	// none: there are no files; on an edge with Listen and a router inside, what Listen is on this machine.
	URL string
	// Size is how long a file may be, in bytes, 4294967296 at most. Default 1073741824.
	Size int
	// Quota is how many bytes of one identity are kept, announced ones included. Default 10737418240; 0 means no limit.
	Quota int
	// Number is how many files of one identity are kept. Default 1000.
	Number int
	// Lifetime is how long a file is kept from when it is complete. Default 168h.
	Lifetime time.Duration
	// Bytes bounds the files of one partition, on the disk of each NATS server that has it; what comes beyond is refused. Default
	// 0, none.
	Bytes int
	// Guests is whether guests may upload. Default false: a guest's quota is another's with every name.
	Guests bool

	// Listen is the address for uploads and downloads. Default none.
	Listen string
	// Transfers is how many uploads, and again how many downloads, are under way at once. Default 32.
	Transfers int
	// IdleTimeout is how long a client may move next to nothing. Default 30s.
	IdleTimeout time.Duration
}

// On tells whether there are files.
func (f *Files) On() bool { return f.URL != "" }

// mostFile is files.MostSize.
const mostFile = 4 << 30

// files are what all processes say of them.
func (b *binder) files(f *Files) {
	b.group("Files")
	b.str(&f.URL, "files-url", "", "`URL` under which clients reach -files of any edge; empty for no files; all say the same")
	b.num(&f.Size, "file-size", 1<<30, "`bytes` of a file at most, no more than 4294967296; all say the same")
	b.num(&f.Quota, "file-quota", 10<<30, "`bytes` of one identity's files, 0 for no limit; all say the same")
	b.num(&f.Number, "files-per-identity", 1000, "`files` that an identity may have; all say the same")
	b.dur(&f.Lifetime, "file-lifetime", 7*24*time.Hour, "`time` that a file is kept for; all say the same")
	b.num(&f.Bytes, "file-bytes", 0, "`bytes` of one partition's files, 0 for no bound; all say the same")
	b.yes(&f.Guests, "file-guests", false, "let guests upload files; routers say the same")
}

// fileTransfers are what an edge says of them.
func (b *binder) fileTransfers(f *Files) {
	b.str(&f.Listen, "files", "", "`address` for uploads and downloads, such as :8081; empty for none here")
	b.num(&f.Transfers, "file-transfers", 32, "`uploads`, and again downloads, under way at once; each has half a mebibyte in memory")
	b.dur(&f.IdleTimeout, "file-idle-timeout", 30*time.Second, "`time` in which a client has to move 16 KiB")
}

func (f *Files) validate(c *check) {
	if f.URL != "" {
		c.url("files-url", f.URL, "http", "https")
		u, err := url.Parse(f.URL)
		c.that(err != nil || u.User == nil && u.RawQuery == "" && u.Fragment == "", "files-url", "the URL must have no user, query or fragment")
		f.URL = strings.TrimRight(f.URL, "/")
	}
	c.that(f.Size >= 1 && f.Size <= mostFile, "file-size", "%d is not between 1 and %d", f.Size, int64(mostFile))
	c.that(f.Quota == 0 || f.Quota >= f.Size, "file-quota", "%d is less than one file of -file-size %d, and not 0 for no limit", f.Quota, f.Size)
	c.atLeast("files-per-identity", f.Number, 1)
	c.that(f.Lifetime >= time.Minute, "file-lifetime", "%s is less than a minute", f.Lifetime)
	c.streamBytes("file-bytes", f.Bytes)
}

func (f *Files) validateTransfers(c *check, runRouter bool) {
	if f.Listen != "" {
		c.listen("files", f.Listen)
		c.that(f.URL != "" || runRouter, "files", "needs -files-url, unless there is a router here")
	}
	c.atLeast("file-transfers", f.Transfers, 1)
	c.positive("file-idle-timeout", f.IdleTimeout)
}
