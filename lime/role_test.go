package lime

import "testing"

func TestAuthorityOverDomains(t *testing.T) { // L-SES-31
	for _, row := range []struct {
		role        Role
		own, domain string
		want        bool
	}{
		{RoleMember, "example.org", "example.org", false},
		{"", "example.org", "example.org", false},
		{"king", "example.org", "example.org", false},
		{RoleAuthority, "example.org", "Example.ORG", true},
		{RoleAuthority, "example.org", "sub.example.org", false},
		{RoleAuthority, "sub.example.org", "example.org", false},
		{RoleAuthority, "", "", false},
		{RoleRootAuthority, "example.org", "EXAMPLE.org", true},
		{RoleRootAuthority, "example.org", "a.sub.Example.org", true},
		{RoleRootAuthority, "example.org", "example.org.evil", false},
		{RoleRootAuthority, "example.org", "badexample.org", false},
		{RoleRootAuthority, "sub.example.org", "example.org", false},
		{RoleRootAuthority, "", "example.org", false},
	} {
		if got := row.role.Over(row.own, row.domain); got != row.want {
			t.Errorf("a %q of %s over %s: %v", row.role, row.own, row.domain, got)
		}
	}
}
