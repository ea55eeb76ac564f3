package edge

import (
	"reflect"
	"strings"
	"testing"

	"limegrove/edge/auth"
)

func TestPartsOfTheRequestGoWithTheLogin(t *testing.T) {
	cfg := Config{ForwardHeaders: []string{"x-tenant", "Authorization"}, ForwardCookies: []string{"sid", "empty"}}
	each(t, cfg, func(t *testing.T, e *fixture) {
		for more, want := range map[string]*auth.Upgrade{
			"": {},
			"X-Tenant: blue\r\nx-tenant:  red \r\nX-Other: secret\r\n": {Headers: map[string][]string{"X-Tenant": {"blue", "red"}}},
			"Cookie: other=x; sid=a=b; sid=later;empty=\r\nCookie: xsid=c\r\nAuthorization: Bearer x\r\n": {
				Headers: map[string][]string{"Authorization": {"Bearer x"}}, Cookies: map[string]string{"sid": "a=b", "empty": ""},
			},
		} {
			c := e.connect()
			c.write([]byte(strings.Replace(request, "Host:", more+"Host:", 1)))
			c.wantUpgrade()
			c.login("ana@example.org/1")
			if got := e.doors.asked().Upgrade; !reflect.DeepEqual(got, want) {
				t.Errorf("of %q came %+v, want %+v", more, got, want)
			}
		}
	})
}

func TestNothingOfTheRequestGoesAnywhereUnlessAskedFor(t *testing.T) {
	inMemory(t, Config{}, func(t *testing.T, e *fixture) {
		c := e.connect()
		c.write([]byte(strings.Replace(request, "Host:", "Cookie: sid=1\r\nHost:", 1)))
		c.wantUpgrade()
		c.login("ana@example.org/1")
		if got := e.doors.asked().Upgrade; got != nil {
			t.Errorf("%+v came", got)
		}
	})
}
