package api

import "net/http"

// operations are all that the API does. The document has the same.
func (s *Server) operations() []operation {
	const identity = "/v1/identities/{identity}"
	const account = "/v1/accounts/{identity}"
	const letters = "/v1/webhooks/{webhook}/dead-letters"
	return []operation{
		{"sendMessage", http.MethodPost, "/v1/messages", ScopeSend, s.sendMessage},
		{"sendNotification", http.MethodPost, "/v1/notifications", ScopeSend, s.sendNotification},
		{"sendCommand", http.MethodPost, "/v1/commands", ScopeCommands, s.sendCommand},
		{"publish", http.MethodPost, "/v1/rooms/messages", ScopeRooms, s.publish},
		{"sendToGroup", http.MethodPost, "/v1/groups/{group}/messages", ScopeGroups, s.sendToGroup},
		{"getPresence", http.MethodGet, identity + "/presence", ScopePresence, s.getPresence},
		{"listSessions", http.MethodGet, identity + "/sessions", ScopePresence, s.listSessions},
		{"endSessions", http.MethodDelete, identity + "/sessions", ScopeSessions, s.endSessions},
		{"endSession", http.MethodDelete, identity + "/sessions/{instance}", ScopeSessions, s.endSession},
		{"getGrants", http.MethodGet, identity + pathGrants, ScopeGrants, s.getGrants},
		{"replaceGrants", http.MethodPut, identity + pathGrants, ScopeGrants, s.replaceGrants},
		{"removeGrants", http.MethodDelete, identity + pathGrants, ScopeGrants, s.removeGrants},
		{"readInbox", http.MethodGet, identity + "/inbox", ScopeInbox, s.readInbox},
		{"purgeInbox", http.MethodDelete, identity + "/inbox", ScopeInbox, s.purgeInbox},
		{"removeFromInbox", http.MethodDelete, identity + "/inbox/{sequence}", ScopeInbox, s.removeFromInbox},
		{"createAccount", http.MethodPost, "/v1/accounts", ScopeAccounts, s.createAccount},
		{"getAccount", http.MethodGet, account, ScopeAccounts, s.getAccount},
		{"changeAccount", http.MethodPatch, account, ScopeAccounts, s.changeAccount},
		{"deleteAccount", http.MethodDelete, account, ScopeAccounts, s.deleteAccount},
		{"listAccountKeys", http.MethodGet, account + "/keys", ScopeAccounts, s.listAccountKeys},
		{"createAccountKey", http.MethodPost, account + "/keys", ScopeAccounts, s.createAccountKey},
		{"revokeAccountKey", http.MethodDelete, account + "/keys/{name}", ScopeAccounts, s.revokeAccountKey},
		{"listKeys", http.MethodGet, "/v1/keys", ScopeKeys, s.listKeys},
		{"createKey", http.MethodPost, "/v1/keys", ScopeKeys, s.createKey},
		{"revokeKey", http.MethodDelete, "/v1/keys/{id}", ScopeKeys, s.revokeKey},
		{"listWebhooks", http.MethodGet, "/v1/webhooks", ScopeWebhooks, s.listWebhooks},
		{"listDeadLetters", http.MethodGet, letters, ScopeWebhooks, s.listDeadLetters},
		{"dropDeadLetters", http.MethodDelete, letters, ScopeWebhooks, s.dropDeadLetters},
		{"replayDeadLetters", http.MethodPost, letters + "/replay", ScopeWebhooks, s.replayDeadLetters},
		{"dropDeadLetter", http.MethodDelete, letters + "/{sequence}", ScopeWebhooks, s.dropDeadLetter},
		{"replayDeadLetter", http.MethodPost, letters + "/{sequence}/replay", ScopeWebhooks, s.replayDeadLetter},
		{"listConnectors", http.MethodGet, pathConnectors, ScopeConnectors, s.listConnectors},
		{"getConnectorLists", http.MethodGet, pathConnectors + "/lists", ScopeConnectors, s.getConnectorLists},
		{"replaceConnectorLists", http.MethodPut, pathConnectors + "/lists", ScopeConnectors, s.replaceConnectorLists},
		{"getConnectorToken", http.MethodGet, identity + pathConnectorToken, ScopeConnectors, s.getConnectorToken},
		{"importConnectorToken", http.MethodPut, identity + pathConnectorToken, ScopeConnectors, s.importConnectorToken},
		{"removeConnectorToken", http.MethodDelete, identity + pathConnectorToken, ScopeConnectors, s.removeConnectorToken},
		{"batch", http.MethodPost, "/v1/batch", "", s.batch},
	}
}
