package edge

import (
	"strings"
	"testing"

	"limegrove/lime"
)

// acting is a dialogue of ana, who may act for rui.
func acting(t *testing.T, allows func(h *lime.Header) bool) *dialogue {
	d := established(t)
	d.member.acts = func(owner string, h *lime.Header) bool {
		n := lime.MustParseNode(owner)
		return n.Identity.EqualFold(lime.MustParseIdentity("rui@example.org")) && allows(h)
	}
	return d
}

func everything(*lime.Header) bool { return true }

func TestInSomebodysName(t *testing.T) { // L-MSG-03
	const refused = 32
	for _, row := range []struct {
		from, pp string
		code     lime.Code
		stamped  string // the from that the recipient sees
	}{
		{"rui@example.org", anaNode, 0, "rui@example.org"},
		{"RUI@example.org/Desk", "ana/home", 0, "RUI@example.org/Desk"},
		{"rui", anaNode, 0, "rui@example.org"},
		{"rui/desk", anaNode, 0, "rui@example.org/desk"},
		{"rui@example.org", "", refused, ""},
		{"rui@example.org", "Ana@example.org", refused, ""},
		{"rui@example.org", "Ana@example.org/Phone", refused, ""},
		{"rui@example.org", "rui@example.org/desk", refused, ""},
		{"rui@example.net", anaNode, refused, ""},
		{"lia@example.org", anaNode, refused, ""},
		{"@example.org", anaNode, refused, ""},
		{"postmaster@example.org", anaNode, refused, ""},
		{"Ana@example.org/Phone", anaNode, refused, ""},
	} {
		t.Run(row.from+" pp "+row.pp, func(t *testing.T) {
			d := acting(t, everything)
			pp := ""
			if row.pp != "" {
				pp = `"pp":"` + row.pp + `",`
			}
			d.says(`{"from":"` + row.from + `",` + pp + `"id":"m","to":"lia@example.org/x","type":"text/plain","content":"x"}`)
			if row.code != 0 {
				d.refusesMessage("nobody has allowed it", row.code)
				return
			}
			d.hearsNothing("it is allowed")
			d.routes("the owner stays from, and pp says who it was", "lia@example.org/x", `{"from":"`+row.stamped+`","pp":"`+anaNode+`"}`)
		})
	}
}

func TestADelegationIsAskedAboutEachEnvelope(t *testing.T) {
	const forRui = `"from":"rui@example.org","pp":"` + anaNode + `",`
	d := acting(t, func(h *lime.Header) bool {
		return h.Kind == lime.KindMessage && string(h.Type) == "text/plain" || h.Kind == lime.KindCommand && string(h.URI) == "/contacts"
	})
	d.says(`{"id":"m",` + forRui + `"to":"lia","type":"text/plain","content":"x"}`)
	d.routes("a message that is", "lia@example.org", `{"from":"rui@example.org","pp":"`+anaNode+`"}`)
	d.says(`{"id":"m",` + forRui + `"to":"lia","type":"a/b+json","content":{}}`)
	d.refusesMessage("one of another type", 32)
	d.says(`{"id":"n",` + forRui + `"to":"lia@example.org/1","event":"received"}`)
	d.refused("a notification")
	d.says(`{"id":"c",` + forRui + `"method":"get","uri":"/contacts"}`)
	d.commands("a command to the server", `{"from":"rui@example.org","pp":"`+anaNode+`","uri":"/contacts"}`)
	for _, uri := range []string{"/receipt", "/ping", "/account/keys"} {
		d.says(`{"id":"c",` + forRui + `"method":"get","uri":"` + uri + `"}`)
		d.refusesCommand(uri, "get", 32)
	}
	d.member.acts = nil
	d.says(`{"id":"m",` + forRui + `"to":"lia","type":"text/plain","content":"x"}`)
	d.refusesMessage("what was taken back counts at once", 32)
}

// What somebody may share with its contacts is for routers to know.
func TestWhatContactsMayAskFor(t *testing.T) { // L-CMD-14
	const forRui = `"from":"Rui@example.org/Desk","pp":"` + anaNode + `",`
	for _, uri := range []string{"/presence", "/Account/", "lime://rui@example.org/presence"} {
		d := established(t)
		d.says(`{"id":"c",` + forRui + `"method":"get","uri":"` + uri + `"}`)
		d.hearsNothing("a router answers")
		d.commands(uri, `{"from":"Rui@example.org/Desk","pp":"`+anaNode+`"}`)
		for _, method := range []string{"delete", "subscribe"} {
			d.says(`{"id":"c",` + forRui + `"method":"` + method + `","uri":"` + uri + `"}`)
			d.refusesCommand(uri, method, 32)
		}
		d.says(`{"id":"c",` + forRui + `"to":"rui@example.org/Desk","method":"get","uri":"` + uri + `"}`)
		d.refusesCommand("of somebody's session", "get", 32)
		d.session.guest = true
		d.says(`{"id":"c",` + forRui + `"method":"get","uri":"` + uri + `"}`)
		d.refusesCommand("by a guest", "get", 32)
	}
}

// What belongs to a session is not what its delegate's session has.
func TestSomebodysResourcesAreNotTheSessions(t *testing.T) {
	for _, from := range []string{"rui@example.org", "rui@example.org/desk"} {
		d := acting(t, everything)
		for _, command := range []string{
			`"method":"get","uri":"/presence"`, `"method":"get","uri":"/receipt"`,
			`"method":"set","uri":"/presence","type":"a/b+json","resource":{"status":"away"}`,
			`"method":"set","uri":"/receipt","type":"a/b+json","resource":{"events":[]}`,
			`"method":"get","uri":"lime://ana@example.org/presence"`,
		} {
			d.says(`{"id":"c","from":"` + from + `","pp":"` + anaNode + `",` + command + `}`)
			d.hearsNothing("a router answers")
			d.commands(command, `{"from":"`+from+`","pp":"`+anaNode+`"}`)
		}
		if d.member.presence.Status != "" || d.member.events != 0 {
			t.Errorf("the delegate's own are %+v, %v now", d.member.presence, d.member.events.List())
		}
	}
}

func TestAnAuthoritySpeaksForItsDomain(t *testing.T) {
	for role, allowed := range map[lime.Role][]string{
		lime.RoleMember:        nil,
		lime.RoleAuthority:     {"rui@example.org/1", "rui@Example.org", "rui/1", "Ana@example.org/Phone" + "!"},
		lime.RoleRootAuthority: {"rui@example.org/1", "rui@Example.org", "rui/1", "rui@sub.example.org/1", "rui@a.sub.example.org"},
	} {
		for _, from := range []string{
			"rui@example.org/1", "rui@Example.org", "rui/1", "rui@sub.example.org/1", "rui@a.sub.example.org",
			"rui@example.net/1", "rui@badexample.org", "rui@org", "postmaster@example.org", "@example.org", "postmaster@sub.example.org/#e1",
			"Ana@example.org/Phone", // another session of its own speaks for itself
		} {
			may := false
			for _, a := range allowed {
				may = may || a == from
			}
			d := established(t)
			d.session.rank = role.Rank()
			d.says(`{"id":"m","from":"` + from + `","to":"lia@example.org","type":"text/plain","content":"x"}`)
			if !may {
				d.refusesMessage(string(role)+" as "+from, 32)
				continue
			}
			shown := strings.Replace(from, "rui/1", "rui@example.org/1", 1)
			d.routes(string(role)+" as "+from, "lia@example.org", `{"from":"`+shown+`","pp":null}`)
			d.says(`{"id":"m","from":"` + from + `","pp":"` + anaNode + `","to":"lia@example.org","type":"text/plain","content":"x"}`)
			d.routes("with a pp it stays", "lia@example.org", `{"from":"`+shown+`","pp":"`+anaNode+`"}`)
			d.says(`{"id":"c","from":"` + from + `","method":"get","uri":"/presence"}`)
			d.commands("routers see who it is", `{"from":"`+shown+`","pp":"`+anaNode+`"}`)
		}
	}
}
