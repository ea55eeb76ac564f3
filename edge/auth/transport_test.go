package auth_test

import (
	"context"
	"reflect"
	"testing"
	"time"

	"limegrove/edge/auth"
	"limegrove/lime"
)

// owner notes whose accounts are made.
type owner struct {
	made []string
	err  error
}

func (o *owner) Own(_ context.Context, login lime.Node, takeOver bool) error {
	what := login.Identity.String()
	if takeOver {
		what += " whoever's it is"
	}
	o.made = append(o.made, what)
	return o.err
}

// transport is a login by certificate.
func transport(o *owner, node string, c *auth.Certificate) (auth.Grant, error) {
	s := auth.Schemes{Domains: []string{"Example.org"}}
	s.By = map[auth.Scheme]auth.Authenticator{auth.SchemeTransport: auth.Transport{Owners: o, Serves: s.Serves}}
	return s.Authenticate(context.Background(), auth.Request{
		Scheme: auth.SchemeTransport, Node: lime.MustParseNode(node), Certificate: c,
	})
}

func TestCertificateNamesGiveRoles(t *testing.T) { // L-SES-31
	const none = lime.Role("")
	for _, row := range []struct {
		node  string
		names []string
		want  lime.Role
	}{
		{"gw@partner.example", []string{"partner.example"}, lime.RoleAuthority},
		{"gw@Partner.Example/1", []string{"PARTNER.example."}, lime.RoleAuthority},
		{"gw@eu.partner.example", []string{"*.partner.example"}, lime.RoleAuthority},
		{"gw@partner.example", []string{"*.partner.example"}, lime.RoleRootAuthority},
		{"gw@partner.example", []string{"partner.example", "*.Partner.example"}, lime.RoleRootAuthority},
		{"gw@partner.example", []string{"*.partner.example", "partner.example"}, lime.RoleRootAuthority},
		{"gw@partner.example", []string{"other.example", "", "*.", "*", "partner.example"}, lime.RoleAuthority},
		{"gw@example.org", []string{"example.org"}, lime.RoleAuthority},
		{"gw@localhost", []string{"localhost"}, lime.RoleAuthority},
		{"gw@localhost", []string{"*.localhost"}, lime.RoleRootAuthority},

		{"gw@localhost", []string{"*.", "*", ""}, none},
		{"gw@partner.example", nil, none},
		{"gw@partner.example", []string{"other.example", "partner.example.org", "xpartner.example", "partner"}, none},
		{"gw@eu.partner.example", []string{"partner.example"}, none},
		{"gw@a.eu.partner.example", []string{"*.partner.example"}, none},
		{"gw@partner.example", []string{"*.eu.partner.example", "eu.partner.example"}, none},
		{"gw@partner.example", []string{"gw@partner.example", "*partner.example", "**.partner.example"}, none},
	} {
		expires := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
		g, err := transport(&owner{}, row.node, &auth.Certificate{Names: row.names, Expires: expires})
		if row.want == none {
			wantCode(t, row.node, err, lime.CodeSessionAuthenticationFailed)
			if auth.OutcomeOf(err) != auth.OutcomeCertificate {
				t.Errorf("%s: counted as %s", row.node, auth.OutcomeOf(err))
			}
			continue
		}
		want := auth.Grant{Identity: lime.MustParseNode(row.node).Identity, Role: row.want, Expires: expires}
		if err != nil || !reflect.DeepEqual(g, want) {
			t.Errorf("%s with %q: %+v, %v, want %+v", row.node, row.names, g, err, want)
		}
	}
}

func TestTransportWithoutACertificate(t *testing.T) { // L-SES-31
	for _, node := range []string{"gw@partner.example", "gw@example.org"} {
		_, err := transport(&owner{}, node, nil)
		wantCode(t, node, err, lime.CodeSessionAuthenticationFailed)
	}
	anything := &auth.Certificate{Names: []string{"partner.example", "*.partner.example"}}
	for _, node := range []string{"postmaster@partner.example", "@partner.example", "gw"} {
		_, err := transport(&owner{}, node, anything)
		wantCode(t, node, err, lime.CodeValidationInvalidIdentity) // L-SES-17
	}
}

func TestNoGuestTakesTheNameOfAnAuthority(t *testing.T) {
	o := &owner{}
	c := &auth.Certificate{Names: []string{"*.example.org", "*.partner.example"}}
	for _, node := range []string{"gw@example.org/1", "gw@partner.example/1"} {
		if _, err := transport(o, node, c); err != nil {
			t.Fatal(err)
		}
	}
	if len(o.made) != 1 || o.made[0] != "gw@example.org whoever's it is" {
		t.Errorf("accounts for %q; there are guests in served domains alone", o.made)
	}
	o.err = errBackend
	if _, err := transport(o, "gw@example.org/1", c); auth.OutcomeOf(err) != auth.OutcomeFault {
		t.Errorf("without a store: %v", err)
	}
}

func TestACertificateOfOurOwnIsForItsIdentity(t *testing.T) {
	soon := time.Now().Add(time.Hour)
	ana := &auth.Certificate{Identity: lime.MustParseIdentity("Ana@example.org"), Names: []string{"*.example.org"}, Expires: soon}
	g, err := transport(&owner{}, "ana@EXAMPLE.org/1", ana)
	if err != nil || g.Role != lime.RoleMember || g.Guest || !g.Expires.Equal(soon) {
		t.Errorf("its identity: %+v, %v", g, err)
	}
	for _, node := range []string{"rui@example.org/1", "ana@partner.example/1", "gw@example.org"} {
		_, err := transport(&owner{}, node, ana)
		wantCode(t, node, err, lime.CodeSessionAuthenticationFailed)
	}
	foreign := &auth.Certificate{Identity: lime.MustParseIdentity("gw@partner.example"), Expires: soon}
	_, err = transport(&owner{}, "gw@partner.example/1", foreign)
	wantCode(t, "a domain that is not served", err, lime.CodeSessionAuthenticationFailed)
}

func TestARenewedCertificateHasTheSessionGoOn(t *testing.T) {
	soon, later := time.Now().Add(time.Hour), time.Now().Add(48*time.Hour)
	ana := lime.MustParseIdentity("ana@example.org")
	for _, row := range []struct {
		until time.Time
		err   error
		want  time.Time
	}{{later, nil, later}, {time.Time{}, nil, soon}, {later, errBackend, soon}} {
		tr := auth.Transport{Owners: &owner{}, Serves: func(string) bool { return true }, Until: func(context.Context, lime.Identity) (time.Time, error) {
			return row.until, row.err
		}}
		g, err := tr.Authenticate(context.Background(), auth.Request{Node: lime.Node{Identity: ana}, Certificate: &auth.Certificate{Identity: ana, Expires: soon}})
		if err != nil || !g.Expires.Equal(row.want) {
			t.Errorf("until %v, %v: %v, %v, want %v", row.until, row.err, g.Expires, err, row.want)
		}
	}
}

func TestWhoShowsTheDefaultCertificateIsNobody(t *testing.T) {
	everybodys := &auth.Certificate{Default: true, Names: []string{"example.org"}, Expires: time.Now().Add(time.Hour)}
	_, err := transport(&owner{}, "ana@example.org/1", everybodys)
	wantCode(t, "where none are issued", err, lime.CodeSessionAuthenticationFailed)

	o := &owner{}
	tr := auth.Transport{Owners: o, Serves: func(d string) bool { return d == "example.org" }, Applicants: true}
	ask := func(node string) (auth.Grant, error) {
		return tr.Authenticate(context.Background(), auth.Request{Node: lime.MustParseNode(node), Certificate: everybodys})
	}
	g, err := ask("ana@example.org/1")
	other, err2 := ask("ana@example.org/1")
	if err != nil || err2 != nil || g.Role != lime.RoleApplicant || !g.Guest || g.Identity.Name == "ana" || g.Identity == other.Identity || time.Until(g.Expires) > 2*time.Minute || len(o.made) > 0 {
		t.Errorf("%+v and %+v, %v, %v, accounts for %q", g, other, err, err2, o.made)
	}
	_, err = ask("gw@partner.example/1")
	wantCode(t, "a domain that is not served", err, lime.CodeSessionAuthenticationFailed)
}
