package resource_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"limegrove/lime"
	"limegrove/resource"
)

// desk notes what it is asked for.
type desk struct{ asked []string }

func (d *desk) note(format string, args ...any) {
	d.asked = append(d.asked, fmt.Sprintf(format, args...))
}

func (d *desk) Issue(_ context.Context, o resource.CertificateOrder) (resource.Certificate, error) {
	d.note("issue %s first=%t operator=%t %s %q", o.Identity, o.First, o.Operator, o.Lifetime, o.Request)
	return resource.Certificate{Identity: o.Identity, Serial: "0a", PEM: "pem"}, nil
}

func (d *desk) Of(_ context.Context, i lime.Identity) ([]resource.Certificate, error) {
	d.note("of %s", i)
	return []resource.Certificate{{Identity: i, Serial: "0a"}, {Identity: i, Serial: "0b"}}, nil
}

func (d *desk) All(_ context.Context, domain string, most int) ([]resource.Certificate, error) {
	d.note("all %s %d", domain, most)
	return nil, nil
}

func (d *desk) Revoke(_ context.Context, i lime.Identity, free bool, why string) ([]resource.Certificate, error) {
	d.note("revoke %s free=%t %q", i, free, why)
	return nil, nil
}

func (d *desk) RevokeOne(_ context.Context, i lime.Identity, serial, why string) (resource.Certificate, error) {
	d.note("revoke %q of %s %q", serial, i, why)
	return resource.Certificate{Serial: serial}, nil
}

func TestWhoMayHaveWhichCertificate(t *testing.T) {
	const body = `{"request":"csr"}`
	member := func(r *resource.Request) {}
	guest := func(r *resource.Request) { r.Guest = true }
	applicant := func(r *resource.Request) { r.Guest, r.Role = true, lime.RoleApplicant }
	backend := func(r *resource.Request) { r.Backend, r.Role = true, lime.RoleAuthority }
	for _, row := range []struct {
		why, from string
		as        func(*resource.Request)
		method    lime.Method
		uri, body string
		code      lime.Code
		asked     string
	}{
		{"its own", home, member, lime.MethodSet, "/certificates", body, 0, `issue ana@example.org first=false operator=false 0s "csr"`},
		{"named, too", home, member, lime.MethodSet, "/certificates", `{"identity":"ana@example.org","request":"csr"}`, 0, `issue ana@example.org first=false operator=false 0s "csr"`},
		{"somebody else's", home, member, lime.MethodSet, "/certificates", `{"identity":"rui@example.org","request":"csr"}`, 35, ""},
		{"in somebody's place", home, member, lime.MethodSet, "lime://rui@example.org/certificates", body, 35, ""},
		{"as long as it likes", home, member, lime.MethodSet, "/certificates", `{"request":"csr","days":3650}`, 64, ""},
		{"a guest", home, guest, lime.MethodSet, "/certificates", body, 35, ""},
		{"an applicant", "applicant-1@example.org/1", applicant, lime.MethodSet, "/certificates", `{"identity":"rui@example.org","request":"csr"}`, 0, `issue rui@example.org first=true operator=false 0s "csr"`},
		{"an applicant by a bare name", "applicant-1@example.org/1", applicant, lime.MethodSet, "/certificates", `{"identity":"rui","request":"csr"}`, 0, `issue rui@example.org first=true operator=false 0s "csr"`},
		{"an applicant for nobody", "applicant-1@example.org/1", applicant, lime.MethodSet, "/certificates", body, 25, ""},
		{"an applicant elsewhere", "applicant-1@example.org/1", applicant, lime.MethodSet, "/certificates", `{"identity":"rui@other.org","request":"csr"}`, 25, ""},
		{"an applicant for longer", "applicant-1@example.org/1", applicant, lime.MethodSet, "/certificates", `{"identity":"rui","request":"csr","days":1}`, 64, ""},
		{"an applicant looks", "applicant-1@example.org/1", applicant, lime.MethodGet, "/certificates", "", 35, ""},
		{"an applicant revokes", "applicant-1@example.org/1", applicant, lime.MethodDelete, "/certificates", "", 35, ""},
		{"the operator", home, backend, lime.MethodSet, "/certificates", `{"request":"csr","days":2}`, 0, `issue ana@example.org first=false operator=true 48h0m0s "csr"`},
		{"no request", home, member, lime.MethodSet, "/certificates", `{}`, 64, ""},
		{"no object", home, member, lime.MethodSet, "/certificates", `"csr"`, 64, ""},
		{"a huge one", home, member, lime.MethodSet, "/certificates", `{"request":"` + strings.Repeat("x", 20_000) + `"}`, 64, ""},
		{"a list", home, member, lime.MethodGet, "/certificates", "", 0, "of ana@example.org"},
		{"a list of all", "postmaster@example.org", backend, lime.MethodGet, "/certificates", "", 0, "all example.org 0"},
		{"a list of all for no operator", "postmaster@example.org", member, lime.MethodGet, "/certificates", "", 0, "of postmaster@example.org"},
		{"revokes its own", home, member, lime.MethodDelete, "/certificates", "", 0, `revoke ana@example.org free=false ""`},
		{"gives it free", home, member, lime.MethodDelete, "/certificates?free=true", "", 35, ""},
		{"the operator gives it free", home, backend, lime.MethodDelete, "/certificates?free=true&because=lost", "", 0, `revoke ana@example.org free=true "lost"`},
		{"the operator revokes nothing", "postmaster@example.org", backend, lime.MethodDelete, "/certificates", "", 64, ""},
		{"one of its own", home, member, lime.MethodDelete, "/certificates/0A", "", 0, `revoke "0A" of ana@example.org ""`},
		{"any", "postmaster@example.org", backend, lime.MethodDelete, "/certificates/0a", "", 0, `revoke "0a" of  ""`},
	} {
		s, d := newServer(t), &desk{}
		resource.HandleCertificates(s.mux, d)
		r := request(t, row.from, row.method, row.uri, row.body)
		if row.body != "" {
			r.Type = resource.MediaCertificate
		}
		row.as(&r)
		want(t, row.why, s.serve(r), row.code)
		if got := strings.Join(d.asked, "; "); got != row.asked {
			t.Errorf("%s: asked to %q, want %q", row.why, got, row.asked)
		}
	}
}
