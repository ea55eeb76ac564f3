package apiserver

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path"
	"strings"

	"limegrove/e2e/programs"
)

// Namespace is that of k8s/.
const Namespace = "limegrove"

// NamespaceObject makes it.
func NamespaceObject() []byte {
	return []byte(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"` + Namespace + `"}}`)
}

// Manifests are the objects that overlays make.
func Manifests(ctx context.Context, overlays ...string) (made map[string][]json.RawMessage, err error) {
	tool, err := programs.Tool(ctx, "manifests")
	if err != nil {
		return nil, err
	}
	definition, err := programs.ScaledObjects(ctx)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, tool, append([]string{"-scaledobjects", definition}, overlays...)...) //nolint:gosec // our own program
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	err = json.Unmarshal(text, &made)
	return made, err
}

// Kind is what an object says that it is.
type Kind struct {
	APIVersion, Kind string
	Metadata         struct{ Name string }
}

// KindOf is what an object says that it is.
func KindOf(object []byte) (k Kind) {
	_ = json.Unmarshal(object, &k) // what it is not the server tells
	return k
}

// Place is where objects of a kind are made.
func (k Kind) Place() string {
	root := "/api/" + k.APIVersion
	if strings.Contains(k.APIVersion, "/") {
		root = "/apis/" + k.APIVersion
	}
	plural := strings.ToLower(k.Kind) + "s"
	if strings.HasSuffix(k.Kind, "y") {
		plural = strings.ToLower(strings.TrimSuffix(k.Kind, "y")) + "ies"
	}
	if k.Kind == "Namespace" {
		return path.Join(root, plural)
	}
	return path.Join(root, "namespaces", Namespace, plural)
}
