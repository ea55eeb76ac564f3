package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestScaledObjectsFitTheirDefinition: what is wrong with a ScaledObject by KEDA's own definition is found, and what is right is taken.
func TestScaledObjectsFitTheirDefinition(t *testing.T) {
	definition, sample := scaledObjects(t), read(t, "../../k8s/components/keda/edge.yaml")
	for _, tc := range []struct{ about, from, to, want string }{
		{"as it is", "", "", ""},
		{"a field that is only KEDA's", "pollingInterval: 15", "pollingInterval: 15\n  cooldownPeriod: 60", ""},
		{"a wrong field", "pollingInterval: 15", "pollingIntervall: 15", `unknown field "spec.pollingIntervall"`},
		{"a wrong field of an item", "metricType: AverageValue", "metricKind: AverageValue", `unknown field "spec.triggers[0].metricKind"`},
		{"a wrong field of its metadata", "  name: edge\nspec", "  name: edge\n  label: {}\nspec", `unknown field "metadata.label"`},
		{"a wrong type", "minReplicaCount: 6", `minReplicaCount: "6"`, `spec.minReplicaCount in body must be of type integer: "string"`},
		{"a wrong type in a map", `threshold: "20000"`, "threshold: 20000", `spec.triggers[0].metadata.threshold in body must be of type string: "integer"`},
		{"a wrong type of an item", "  triggers:\n", "  triggers:\n  - 7\n", `spec.triggers[0] in body must be of type object: "integer"`},
		{"too long a number", "maxReplicaCount: 60", "maxReplicaCount: 6000000000", "spec.maxReplicaCount"},
		{"a missing member", "scaleTargetRef:\n    name: edge", "scaleTargetRef:\n    kind: Deployment", "spec.scaleTargetRef.name: Required value"},
		{"a missing member of an item", "- type: cpu\n    metricType", "- metricType", "spec.triggers[1].type: Required value"},
		{"a value that is none of those", "advanced:\n", "advanced:\n    scalingModifiers: {metricType: Utilization}\n", `Unsupported value: "Utilization"`},
		{"a name that is none", "  name: edge\nspec", "  name: Edge_1\nspec", "metadata.name: Invalid value"},
		{"another version", "keda.sh/v1alpha1", "keda.sh/v1", `no kind "ScaledObject" is registered for version "keda.sh/v1"`},
		// What the definition leaves open, and KEDA or the autoscaler that it makes does not.
		{"a threshold that is none", `threshold: "20000"`, `threshold: many`, "its threshold is no number above 0"},
		{"a wrong behaviour", "selectPolicy: Max", "selectPolicy: Most", `Unsupported value: "Most"`},
	} {
		t.Run(tc.about, func(t *testing.T) {
			if !strings.Contains(sample, tc.from) {
				t.Fatalf("there is no %q to be made wrong", tc.from)
			}
			wantFound(t, strings.Replace(sample, tc.from, tc.to, 1), tc.want, "-scaledobjects", definition)
		})
	}
}

// TestRulesOfADefinitionAreChecked: KEDA's has none yet, and when it does they count.
func TestRulesOfADefinitionAreChecked(t *testing.T) {
	const spec = "            description: ScaledObjectSpec is the spec for a ScaledObject resource\n"
	definition := read(t, scaledObjects(t))
	if strings.Count(definition, spec) != 1 {
		t.Fatal("the definition is not what it was")
	}
	path := filepath.Join(t.TempDir(), "definition.yaml")
	ruled := strings.Replace(definition, spec, spec+
		"            x-kubernetes-validations:\n            - {rule: self.minReplicaCount <= self.maxReplicaCount, message: the least is above the most}\n", 1)
	if err := os.WriteFile(path, []byte(ruled), 0o600); err != nil {
		t.Fatal(err)
	}
	sample := read(t, "../../k8s/components/keda/edge.yaml")
	wantFound(t, sample, "", "-scaledobjects", path)
	wantFound(t, strings.Replace(sample, "minReplicaCount: 6", "minReplicaCount: 61", 1), "the least is above the most", "-scaledobjects", path)
}

// TestScaledObjectsAreNotPassedOver: without a definition they are refused, with a line that says what to do.
func TestScaledObjectsAreNotPassedOver(t *testing.T) {
	sample := read(t, "../../k8s/components/keda/edge.yaml")
	both := sample + "---\n" + read(t, "../../k8s/components/keda/router.yaml")
	wantFound(t, both, "`make deps` downloads it")
	wantFound(t, both, "`make deps` downloads it", "-scaledobjects", filepath.Join(t.TempDir(), "none.yaml"))
	broken := filepath.Join(t.TempDir(), "broken.yaml")
	if err := os.WriteFile(broken, []byte("kind: CustomResourceDefinition\nspecs: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantFound(t, both, `unknown field "specs"`, "-scaledobjects", broken)
	empty := filepath.Join(t.TempDir(), "empty.yaml")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wantFound(t, sample, "the definition has no keda.sh/v1alpha1, Kind=ScaledObject", "-scaledobjects", empty)
}

// wantFound has objects checked, and wants one line that has a text, or nothing to be wrong.
func wantFound(t *testing.T, objects, want string, flags ...string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"objects.yaml": objects, "kustomization.yaml": "namespace: limegrove\nresources: [objects.yaml]\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), tool(t, "manifests"), append(flags, dir)...)
	var said strings.Builder
	cmd.Stderr = &said
	err := cmd.Run()
	switch lines := strings.Count(said.String(), "\n"); {
	case want == "":
		if err != nil {
			t.Errorf("it is not taken: %v\n%s", err, said.String())
		}
	case err == nil:
		t.Errorf("it is taken, and %q was to be found", want)
	case cmd.ProcessState.ExitCode() != 1 || lines != 1 || !strings.Contains(said.String(), want):
		t.Errorf("not one line with %q: %v\n%s", want, err, said.String())
	}
}
