package lime

import "testing"

func TestGroupsHaveADomainOfTheirOwn(t *testing.T) {
	for domain, of := range map[string]string{
		"groups.example.org": "example.org",
		"GROUPS.Example.org": "Example.org",
		GroupsDomain("x"):    "x",
		"groups.":            "",
		"groups":             "",
		"agroups.x":          "",
		"example.org":        "",
		"":                   "",
	} {
		got, ok := OfGroups(domain)
		view, also := OfGroups([]byte(domain))
		if got != of || ok != (of != "") || string(view) != of || also != ok {
			t.Errorf("%q: %q %v, and %q %v, want %q", domain, got, ok, view, also, of)
		}
	}
}

func TestSenderInAGroupIsOneInstance(t *testing.T) {
	group := MustParseIdentity("ops@groups.example.org")
	for sender, want := range map[string]string{
		"Ana@example.org":      "ops@groups.example.org/Ana%40example.org",
		"joe%40gw@example.org": "ops@groups.example.org/joe%2540gw%40example.org",
	} {
		got := string(AppendGroupSender(nil, group, MustParseIdentity(sender)))
		if n := MustParseNode(got); got != want || n.Identity != group {
			t.Errorf("%s is %s of %v, want %s", sender, got, n.Identity, want)
		} else if back, err := ParseGroupSender(n.Instance); back.String() != sender || err != nil {
			t.Errorf("%s comes back as %v, %v", sender, back, err)
		}
	}
	for _, none := range []string{"", "home", "a%40b%40c", "%zz", "%40x", "a%40"} {
		if i, err := ParseGroupSender(none); err == nil {
			t.Errorf("%q is of %v", none, i)
		}
	}
}
