package resource_test

import (
	"testing"

	"limegrove/lime"
)

// An access key changes the password of who has lost it; to have one needs the password.
func TestAccessKeyChangesThePassword(t *testing.T) {
	s := newServer(t)
	want(t, "register", s.register(ana, `{`+s3cret+`}`), 0)
	const key, wrong = `"accessKey":"aSBoYXZlIGxvc3QgaXQ="`, `"accessKey":"aSBoYXZlIG5vdA=="`
	for _, step := range []struct {
		what, body string
		code       lime.Code
		password   string
	}{
		{"a key without the password", `{` + key + `}`, 64, "s3cret"},
		{"a key with a wrong one", `{` + key + `,"oldPassword":"b3RoZXI="}`, 13, "s3cret"},
		{"a key that is none", `{"accessKey":"?",` + old + `}`, 64, "s3cret"},
		{"a password with no key set", `{` + other + `,` + key + `}`, 13, "s3cret"},
		{"a key with the password", `{` + key + `,` + old + `}`, 0, "s3cret"},
		{"another key", `{` + other + `,` + wrong + `}`, 13, "s3cret"},
		{"the key alone changes nothing", `{` + key + `}`, 64, "s3cret"},
		{"the key", `{` + other + `,` + key + `}`, 0, "other"},
		{"and back, by the same", `{` + s3cret + `,` + key + `}`, 0, "s3cret"},
		{"both anew", `{` + other + `,` + wrong + `,` + old + `}`, 0, "other"},
		{"the key of before", `{` + s3cret + `,` + key + `}`, 13, "other"},
		{"no key any more", `{"accessKey":"","oldPassword":"b3RoZXI="}`, 0, "other"},
		{"the last key", `{` + s3cret + `,` + wrong + `}`, 13, "other"},
		{"an empty key", `{` + s3cret + `,"accessKey":""}`, 13, "other"},
	} {
		want(t, step.what, s.do(home, lime.MethodMerge, "/account", step.body), step.code)
		s.wantPassword(step.password)
	}
	r := request(t, ana, lime.MethodSet, "/account", `{`+s3cret+`,`+wrong+`}`)
	r.Guest, r.PP = true, lime.MustParseNode("5f0c8b1e@example.org/web")
	want(t, "a guest with a key", s.serve(r), lime.CodeCommandNotAllowed)
}

func TestAccessKeyThatComesWithBadPropertiesIsNotInForce(t *testing.T) {
	s := newServer(t)
	want(t, "register", s.register(ana, `{`+s3cret+`}`), 0)
	const key = `"accessKey":"aSBoYXZlIGxvc3QgaXQ="`
	s.book.refused = &lime.Reason{Code: lime.CodeCommandInvalidArgument}
	want(t, "refused", s.do(home, lime.MethodMerge, "/account", `{"city":"Lagos",`+key+`,`+old+`}`), 64)
	s.book.refused = nil
	want(t, "the key proves nothing", s.do(home, lime.MethodMerge, "/account", `{`+other+`,`+key+`}`), 13)
	s.wantPassword("s3cret")
}
