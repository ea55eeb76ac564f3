package process

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"limegrove/api"
)

func TestWhatAnEdgeTellsOfConnectorsFitsAMessage(t *testing.T) {
	var all []api.Connector
	for n := range 5000 {
		name := fmt.Sprint(strings.Repeat("K", 128), n)
		all = append(all, api.Connector{Name: name, Identity: strings.Repeat("%4b", 128) + "@aio.example.org", Address: "10.0.0.9:40112", Edge: "e"})
	}
	const most = 1 << 20
	for _, n := range []int{0, 1, 2, len(all)} {
		text, err := appendConnected(nil, "e", slices.Values(all[:n]), most)
		if err != nil || len(text) > most {
			t.Fatalf("%d make %d bytes, %v", n, len(text), err)
		}
		var here ConnectedHere
		if err := json.Unmarshal(text, &here); err != nil {
			t.Fatalf("%d: %v", n, err)
		}
		if whole := len(here.Connectors) == n; here.Edge != "e" || here.More == whole || n < 3 && !whole {
			t.Errorf("of %d it tells %d, and that there are more: %t", n, len(here.Connectors), here.More)
		}
		if !slices.Equal(here.Connectors, all[:len(here.Connectors)]) {
			t.Errorf("of %d it tells something else", n)
		}
	}
}
