package lime

// Status is what a session says of its availability.
type Status string

// The statuses of LIME's presence resource. The zero Status means that the
// session never said.
const (
	StatusUnavailable Status = "unavailable"
	StatusAvailable   Status = "available"
	StatusBusy        Status = "busy"
	StatusAway        Status = "away"
	StatusInvisible   Status = "invisible"
)

// RoutingRule is which addresses reach a session.
type RoutingRule string

// The routing rules of LIME's presence resource. The zero RoutingRule means
// that the session never said.
const (
	RouteInstance           RoutingRule = "instance"
	RouteIdentity           RoutingRule = "identity"
	RouteIdentityByPriority RoutingRule = "identityByPriority"
	RoutePromiscuous        RoutingRule = "promiscuous"
	RouteDomain             RoutingRule = "domain"
	RouteRootDomain         RoutingRule = "rootDomain"
)

// Presence is the resource /presence, application/vnd.lime.presence+json.
type Presence struct {
	Status           Status      `json:"status,omitempty"`
	Message          string      `json:"message,omitempty"`
	RoutingRule      RoutingRule `json:"routingRule,omitempty"`
	Priority         int         `json:"priority,omitempty"`
	FilterByDistance bool        `json:"filterByDistance,omitempty"`
	RoundRobin       bool        `json:"roundRobin,omitempty"`
	Echo             bool        `json:"echo,omitempty"`
	Promiscuous      bool        `json:"promiscuous,omitempty"`
	Instances        []string    `json:"instances,omitempty"` // read-only: of the bare identity
	LastSeen         string      `json:"lastSeen,omitempty"`  // read-only
}
