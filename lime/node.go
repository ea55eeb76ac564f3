package lime

// Identity is a person, a service or a group: name@domain. The zero Identity
// is nobody.
type Identity struct {
	Name   string
	Domain string
}

// Node is the address of one session of an identity: name@domain/instance.
// An absent instance is "".
type Node struct {
	Identity
	Instance string
}

// String returns name@domain, @domain when there is no name, and "" for nobody.
func (i Identity) String() string {
	if i.Name == "" && i.Domain == "" {
		return ""
	}
	return i.Name + "@" + i.Domain
}

// String returns name@domain/instance, without the slash when there is no
// instance.
func (n Node) String() string {
	if n.Instance == "" {
		return n.Identity.String()
	}
	return n.Identity.String() + "/" + n.Instance
}
