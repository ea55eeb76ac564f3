package edge

import (
	"strconv"
	"strings"
	"testing"
)

func TestCapabilityIsSetAndRead(t *testing.T) {
	d := established(t)
	d.says(`{"id":"c","method":"get","uri":"/capability"}`)
	d.hears("at first all is taken", `{"id":"c","status":"success","type":"application/vnd.lime.capability+json","resource":{"contentTypes":null,"resourceTypes":null}}`)
	for _, uri := range []string{"/capability", "/Capability/", "lime://ANA@example.org/capability"} { // L-CMD-06
		d.says(`{"id":"c","method":"set","uri":"` + uri + `","type":"application/vnd.lime.capability+json","resource":{"contentTypes":["Text/plain"],"resourceTypes":[]}}`)
		d.hears("it is set", `{"id":"c","method":"set","status":"success","type":null,"resource":null}`)
		d.says(`{"id":"c","method":"get","uri":"` + uri + `"}`)
		d.hears("and read", `{"status":"success","resource":{"contentTypes":["text/plain"],"resourceTypes":[]}}`)
		d.says(`{"id":"c","method":"set","uri":"` + uri + `","type":"application/vnd.lime.capability+json","resource":{}}`)
		d.hears("and given up", `{"id":"c","method":"set","status":"success"}`)
	}
	for _, resource := range []string{`"text/plain"`, `[]`, `{"contentTypes":[]}`, `{"contentTypes":["x"]}`, `{"x":"` + strings.Repeat("x", maxDecoded) + `"}`} {
		d.says(`{"id":"c","method":"set","uri":"/capability","type":"application/vnd.lime.capability+json","resource":` + resource + `}`)
		d.refusesCommand(resource, "set", 64)
	}
	if d.member.takes.ContentTypes != nil {
		t.Errorf("it takes %v", d.member.takes)
	}
}

func TestQuotaIsThatOfTheEdge(t *testing.T) {
	d := established(t)
	d.says(`{"id":"c","method":"get","uri":"/quota"}`)
	d.hears("what is in force", `{"id":"c","status":"success","type":"application/vnd.lime.quota+json","resource":{"throughput":1000,"maxEnvelopeSize":524288,"threshold":null}}`)
	d.session.rules.envelopeRate = -1
	d.says(`{"id":"c","method":"get","uri":"/quota"}`)
	d.hears("no limit is absent", `{"status":"success","resource":{"throughput":null,"maxEnvelopeSize":524288}}`)
	d.says(`{"id":"c","method":"set","uri":"/quota","type":"application/vnd.lime.quota+json","resource":{"throughput":1000000}}`)
	d.refusesCommand("nobody sets it", "set", 35)
}

// Every resource of the session, by every method.
func TestSessionResourcesByEveryMethod(t *testing.T) { // L-CMD-04
	for uri, answers := range map[string]map[string]int{
		"/ping":       {"get": 0},
		"/presence":   {"get": 0, "set": 0},
		"/receipt":    {"get": 0, "set": 0},
		"/capability": {"get": 0, "set": 0},
		"/quota":      {"get": 0, "set": 35},
	} {
		for _, method := range []string{"get", "set", "merge", "delete", "subscribe", "unsubscribe"} {
			d := established(t)
			resource := ""
			if method == "set" || method == "merge" {
				resource = `,"type":"application/json","resource":{}`
			}
			d.says(`{"id":"c","method":"` + method + `","uri":"` + uri + `"` + resource + `}`)
			if _, asked := answers[method]; !asked && len(d.member.commands) > 0 {
				d.member.commands = nil // routers know more of it
				continue
			}
			code, known := answers[method]
			if !known {
				code = 63
			}
			if code != 0 {
				d.hears(method+" "+uri, `{"id":"c","method":"`+method+`","status":"failure","reason":{"code":`+strconv.Itoa(code)+`}}`)
			} else {
				d.hears(method+" "+uri, `{"id":"c","method":"`+method+`","status":"success"}`)
			}
			d.hearsNothing("there is one answer")
		}
	}
}
