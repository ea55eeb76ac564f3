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
