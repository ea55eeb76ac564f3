package presence

import (
	"fmt"
	"strings"

	"limegrove/lime"
)

// Keys and fields. A field of a registration hash that begins with a line break
// is not an instance, since no instance contains one: "\nv" is the version.
//
// Keys that share an identity's hash tag lie on its server, so that one script
// may change them with its hash. Only the hash's own key begins with keyPrefix,
// brace included: that is what a sweep walks over.
const (
	keyPrefix    = "lg:{"
	keySuffix    = "}"
	floorPrefix  = "lg:floor:"
	seenPrefix   = "lg:seen:"
	toldPrefix   = "lg:told:"
	holdPrefix   = "lg:hold:"
	leasePrefix  = "lg:edge:"
	ignoredKey   = "lg:ignored"
	versionField = "\nv"
)

// keyEscape keeps an identity from ending the hash tag early, and its name
// from running into its domain.
var (
	keyEscape   = strings.NewReplacer("%", "%25", "{", "%7B", "}", "%7D", "@", "%40")
	keyUnescape = strings.NewReplacer("%25", "%", "%7B", "{", "%7D", "}", "%40", "@")
)

// identityKey returns the key of id, which is folded. All of it but the
// prefix is the hash tag.
func identityKey(id lime.Identity) string {
	return keyPrefix + keyEscape.Replace(id.Name) + "@" + keyEscape.Replace(id.Domain) + keySuffix
}

// keyIdentity is the inverse of identityKey.
func keyIdentity(key string) (id lime.Identity, ok bool) {
	tag, ok := strings.CutPrefix(key, keyPrefix)
	if !ok {
		return lime.Identity{}, false
	}
	if tag, ok = strings.CutSuffix(tag, keySuffix); !ok {
		return lime.Identity{}, false
	}
	name, domain, ok := strings.Cut(tag, "@")
	return lime.Identity{Name: keyUnescape.Replace(name), Domain: keyUnescape.Replace(domain)}, ok
}

// hashTag returns the hash tag of the key of an identity, with its braces.
func hashTag(identityKey string) string { return identityKey[len(keyPrefix)-1:] }

// floorKey returns the key of the floors beside an identity's key.
func floorKey(identityKey string) string { return floorPrefix + hashTag(identityKey) }

// seenKey returns the key of the guests seen lately beside an identity's key.
func seenKey(identityKey string) string { return seenPrefix + hashTag(identityKey) }

func leaseKey(e EdgeID) string { return leasePrefix + string(e) }

// maxPart is the longest edge or session, since a byte tells its length and
// the top bit is taken.
const maxPart = 127

// check tells whether e can stand in a key and in a value.
func (e EdgeID) check() error {
	if e == "" || len(e) > maxPart {
		return fmt.Errorf("edge %q: not 1 to %d characters", string(e), maxPart)
	}
	for _, c := range []byte(e) {
		if (c < '0' || '9' < c) && (c < 'A' || 'Z' < c) && (c < 'a' || 'z' < c) && c != '-' {
			return fmt.Errorf("edge %q: a character is none of A-Z a-z 0-9 -", string(e))
		}
	}
	return nil
}

// place returns where n is stored: its key and its field.
func place(n lime.Node) (key, field string, err error) {
	if !n.Complete() {
		return "", "", fmt.Errorf("the node is incomplete")
	}
	if strings.ContainsAny(n.Instance, "\r\n") {
		return "", "", fmt.Errorf("the instance has a line break")
	}
	f := n.Fold()
	return identityKey(f.Identity), f.Instance, nil
}

// clusterSlots is how many slots a cluster divides its keys into.
const clusterSlots = 16384

// slotOf returns the slot of a key, which is the CRC-16 (XMODEM) of its hash
// tag. It only chooses a lane: the client library routes by itself.
func slotOf(key string) int {
	if _, after, ok := strings.Cut(key, "{"); ok {
		if tag, _, ok := strings.Cut(after, "}"); ok && tag != "" {
			key = tag
		}
	}
	var crc uint16
	for _, b := range []byte(key) {
		crc ^= uint16(b) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return int(crc % clusterSlots)
}
