package config

// Effect says for whom a setting changes when a running process reads its configuration again.
type Effect string

// The effects.
const (
	AfterRestart      Effect = ""                          // for nobody: the process has to be started again
	AtOnce            Effect = "at once"                   // for everybody
	ForSessions       Effect = "sessions in progress, too" // from their next envelope on
	ForTimers         Effect = "sessions in progress, too, when what they wait for now is over"
	ForNewConnections Effect = "connections that come"
	ForNewSessions    Effect = "sessions that begin"
	ForLogins         Effect = "logins that come"
	ForRooms          Effect = "who enters and publishes from then on; who is in a room stays there"
	ForRequests       Effect = "requests that come"
	ForNewMembers     Effect = "what is added from then on; what is there stays"
	ForDrain          Effect = "the next drain"
)

// effects are those of all flags that need no restart.
var effects = map[string]Effect{
	"auth":                 ForNewConnections,
	"auth-webhook-headers": ForNewConnections,
	"auth-webhook-cookies": ForNewConnections,
	"tcp-encryption":       ForNewConnections,
	"tls-cert":             ForNewConnections,
	"tls-key":              ForNewConnections,
	"tls-client-ca":        ForNewConnections,
	"authority":            ForNewConnections,

	"max-contacts": ForNewMembers,

	"gossip-key": AtOnce,

	"password-memory":       ForLogins,
	"auth-issuers":          ForLogins,
	"auth-webhook":          ForLogins,
	"auth-webhook-schemes":  ForLogins,
	"auth-webhook-secret":   ForLogins,
	"auth-webhook-timeout":  ForLogins,
	"auth-webhook-requests": ForLogins,

	"api-key":      ForRequests,
	"api-rate":     ForRequests,
	"api-tls-cert": ForNewConnections,
	"api-tls-key":  ForNewConnections,

	"max-envelope":               ForSessions,
	"max-rate":                   ForSessions,
	"max-bytes-rate":             ForSessions,
	"max-sessions":               ForNewConnections,
	"max-sessions-per-address":   ForNewConnections,
	"max-sessions-per-identity":  ForNewSessions,
	"max-rooms":                  ForRooms,
	"send-queue":                 ForSessions,
	"max-held":                   AtOnce,
	"max-queued":                 AtOnce,
	"admission-rate":             ForNewConnections,
	"admission-rate-per-address": ForNewConnections,
	"admission-exempt":           ForNewConnections,
	"node-conflict":              ForNewSessions,
	"group-members":              ForNewMembers,
	"groups-per-identity":        ForNewMembers,
	"room-rules":                 ForRooms,
	"rebalance":                  AtOnce,

	"establish-timeout": ForTimers,
	"ping-interval":     ForTimers,
	"idle-timeout":      ForTimers,
	"drain-timeout":     ForDrain,

	"admin-token": ForRequests,

	"trace-share": AtOnce,
	"trace-rate":  AtOnce,

	"log-level":  AtOnce,
	"log-format": AtOnce,
}

// switches are flags of these that turn something on: that there is any takes a restart, which one does not.
var switches = []string{"authority", "tls-cert", "tls-key", "api-tls-cert", "api-tls-key", "gossip-key"}
