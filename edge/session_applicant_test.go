package edge

import (
	"testing"

	"limegrove/edge/auth"
	"limegrove/lime"
)

// Whoever has shown the default certificate may ask for one of its own, and do nothing else.
func TestAnApplicantAsksForACertificateAndNothingElse(t *testing.T) {
	d := newDialogue(t)
	d.to(lime.StateAuthenticating)
	d.says(`{"id":"$id","from":"` + anaNode + `","state":"authenticating","scheme":"guest"}`)
	d.grant(auth.Grant{Identity: lime.MustParseIdentity("applicant-1@example.org"), Guest: true, Role: lime.RoleApplicant})
	d.place()
	d.sent = nil

	const resource = `"type":"application/json","resource":{"identity":"ana@example.org","request":"x"}}`
	d.says(`{"id":"c","method":"set","uri":"/certificates",` + resource)
	d.commands("a certificate is asked for", `{"uri":"/certificates","method":"set","from":"applicant-1@example.org/Home"}`)
	for what, envelope := range map[string]string{
		"a message":                 `{"id":"x","to":"rui@example.org","type":"text/plain","content":"x"}`,
		"a message to itself":       `{"id":"x","type":"text/plain","content":"x"}`,
		"its presence":              `{"id":"x","method":"set","uri":"/presence","type":"application/vnd.lime.presence+json","resource":{"status":"available"}}`,
		"an account":                `{"id":"x","from":"rui@example.org","method":"set","uri":"/account",` + resource,
		"somebody else's":           `{"id":"x","from":"rui@example.org","method":"set","uri":"/certificates",` + resource,
		"for somebody else":         `{"id":"x","pp":"rui@example.org","method":"set","uri":"/certificates",` + resource,
		"in somebody's place":       `{"id":"x","method":"set","uri":"lime://rui@example.org/certificates",` + resource,
		"what there is":             `{"id":"x","method":"get","uri":"/certificates"}`,
		"to revoke":                 `{"id":"x","method":"delete","uri":"/certificates"}`,
		"a command to somebody":     `{"id":"x","to":"rui@example.org/1","method":"set","uri":"/account",` + resource,
		"a room":                    `{"id":"x","method":"set","uri":"/rooms/x","type":"application/json","resource":{}}`,
		"what others may subscribe": `{"id":"x","method":"observe","uri":"/certificates",` + resource,
	} {
		d.says(envelope)
		d.handsOnNothing(what)
		d.sent = nil
	}
	d.says(`{"id":"p","method":"get","uri":"/ping"}`)
	d.hears("it may ping", `{"status":"success"}`)
}
