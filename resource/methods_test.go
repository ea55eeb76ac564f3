package resource_test

import (
	"strings"
	"testing"

	"limegrove/lime"
	"limegrove/resource"
)

// Every resource of the routers by every method, of the owner, of somebody else and of a guest.
// A method that is not there is one for nobody.
func TestEveryResourceByEveryMethod(t *testing.T) { // L-CMD-04, L-CMD-14
	const registered = `{"password":"czNjcmV0"}`
	for uri, methods := range map[string]string{
		"/ping":                        "get",
		"/account":                     "get set merge delete",
		"/account/keys":                "get set",
		"/account/keys/none":           "get delete",
		"/accounts":                    "get",
		"/accounts/nobody":             "get",
		"/contacts":                    "get set merge",
		"/contacts/bia@example.org":    "get set merge delete",
		"/delegations":                 "get set",
		"/delegations/bia@example.org": "get set delete",
		"/nothing":                     "",
		"/account/nothing":             "",
	} {
		for _, method := range []lime.Method{
			lime.MethodGet, lime.MethodSet, lime.MethodMerge, lime.MethodDelete, lime.MethodSubscribe, lime.MethodUnsubscribe,
		} {
			known := strings.Contains(" "+methods+" ", " "+method.String()+" ")
			answer := func(who string) lime.Code {
				s := newServer(t)
				resource.HandleContacts(s.mux, &shelf{contacts: map[[2]lime.Identity]lime.Contact{}}, nil)
				want(t, "register", s.register(ana, registered), 0)
				body := ""
				if method == lime.MethodSet || method == lime.MethodMerge {
					body = `{"identity":"bia@example.org","target":"bia@example.org","name":"k"}`
					if strings.HasPrefix(uri, "/account") {
						body = `{"name":"k"}`
					}
				}
				r := request(t, home, method, uri, body)
				if body != "" {
					r.Type = lime.MediaJSON
				}
				switch who {
				case "owner":
				case "guest":
					r.From, r.Guest = lime.MustParseNode("zed@example.org/1"), true
					r.URI.Owner = lime.MustParseIdentity(ana)
				default:
					r.From, r.URI.Owner = lime.MustParseNode("rui@example.org/1"), lime.MustParseIdentity(ana)
				}
				if res := s.serve(r); res.Reason != nil {
					return res.Reason.Code
				}
				return 0
			}
			for _, who := range []string{"owner", "other", "guest"} {
				got := answer(who)
				switch {
				case methods == "":
					if got != lime.CodeCommandResourceNotSupported {
						t.Errorf("%s %s by %s: code %d, want 62", method, uri, who, got)
					}
				case !known:
					if got != lime.CodeCommandMethodNotSupported {
						t.Errorf("%s %s by %s: code %d, want 63", method, uri, who, got)
					}
				case uri == "/ping":
					if got != 0 {
						t.Errorf("%s %s by %s: code %d", method, uri, who, got)
					}
				case who == "owner":
					if got != 0 && got != lime.CodeCommandResourceNotFound { // nothing there: 67
						t.Errorf("%s %s: code %d", method, uri, got)
					}
				case got != lime.CodeAuthorizationPermissionRequired:
					t.Errorf("%s %s by %s: code %d, want 35", method, uri, who, got)
				}
			}
		}
	}
}
