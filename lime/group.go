package lime

import "net/url"

// groupsLabel begins the domain in which the groups of a domain have their addresses:
// those of example.org are in groups.example.org. LIME, addresses.
const groupsLabel = "groups."

// GroupsDomain returns the domain of the groups of a domain.
func GroupsDomain(domain string) string { return groupsLabel + domain }

// OfGroups returns the domain whose groups have their addresses in domain; it is not ok
// when that has none.
func OfGroups[T string | []byte](domain T) (of T, ok bool) { return ofLabel(domain, groupsLabel) }

// AppendGroupSender appends the node that a message to a group is delivered from: the
// group's, with the sender's identity as its instance. What stands between the parts of
// an address is escaped there as LIME's gateways do it, since some implementations look
// for an @ in an instance.
func AppendGroupSender(dst []byte, group, sender Identity) []byte {
	dst = append(AppendIdentity(dst, group), '/')
	for _, c := range AppendIdentity(nil, sender) {
		switch c {
		case '@':
			dst = append(dst, "%40"...)
		case '/':
			dst = append(dst, "%2F"...)
		case '%':
			dst = append(dst, "%25"...)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// ParseGroupSender returns whose identity an instance that AppendGroupSender has written
// stands for. Without an error it has a name and a domain.
func ParseGroupSender(instance string) (Identity, error) {
	text, err := url.PathUnescape(instance)
	if err != nil {
		return Identity{}, ErrAddress
	}
	i, err := ParseIdentity(text)
	if err == nil && (i.Name == "" || i.Domain == "") {
		err = ErrAddress
	}
	return i, err
}
