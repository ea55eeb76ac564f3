package deploy

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// object is a Kubernetes object, of which the fields are here that are looked at. What else it has, tools/manifests has
// checked.
type object struct {
	Kind     string   `json:"kind"`
	Metadata metadata `json:"metadata"`

	Data map[string]string `json:"data"` // of a ConfigMap

	AutomountServiceAccountToken *bool `json:"automountServiceAccountToken"` // of a ServiceAccount

	Spec spec `json:"spec"`
}

func (o *object) String() string { return o.Kind + " " + o.Metadata.Name }

type metadata struct {
	Name        string            `json:"name"`
	Namespace   string            `json:"namespace"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

// spec is that of any kind.
type spec struct {
	// Of a Deployment or a StatefulSet.
	Replicas             *int        `json:"replicas"`
	MinReadySeconds      int         `json:"minReadySeconds"`
	ServiceName          string      `json:"serviceName"`
	Template             podTemplate `json:"template"`
	VolumeClaimTemplates []claim     `json:"volumeClaimTemplates"`

	// Of a Service: labels; of others a labelSelector.
	Selector                 json.RawMessage `json:"selector"`
	ClusterIP                string          `json:"clusterIP"`
	PublishNotReadyAddresses bool            `json:"publishNotReadyAddresses"`
	Ports                    []servicePort   `json:"ports"`

	// Of a NetworkPolicy.
	PodSelector labelSelector `json:"podSelector"`
	Ingress     []rule        `json:"ingress"`
	Egress      []rule        `json:"egress"`

	// Of a HorizontalPodAutoscaler or a ScaledObject.
	ScaleTargetRef  struct{ Name string }                                               `json:"scaleTargetRef"`
	MinReplicas     int                                                                 `json:"minReplicas"`
	MaxReplicas     int                                                                 `json:"maxReplicas"`
	MinReplicaCount int                                                                 `json:"minReplicaCount"`
	MaxReplicaCount int                                                                 `json:"maxReplicaCount"`
	Metrics         []metricSpec                                                        `json:"metrics"`
	Behavior        behavior                                                            `json:"behavior"`
	Advanced        struct{ HorizontalPodAutoscalerConfig struct{ Behavior behavior } } `json:"advanced"`
	Triggers        []trigger                                                           `json:"triggers"`
}

type labelSelector struct {
	MatchLabels map[string]string `json:"matchLabels"`
}

type podTemplate struct {
	Metadata metadata `json:"metadata"`
	Spec     podSpec  `json:"spec"`
}

type podSpec struct {
	ServiceAccountName            string      `json:"serviceAccountName"`
	AutomountServiceAccountToken  *bool       `json:"automountServiceAccountToken"`
	EnableServiceLinks            *bool       `json:"enableServiceLinks"`
	TerminationGracePeriodSeconds int         `json:"terminationGracePeriodSeconds"`
	Containers                    []container `json:"containers"`
	Volumes                       []struct {
		Name      string
		ConfigMap struct{ Name string }
	} `json:"volumes"`
}

type container struct {
	Name    string   `json:"name"`
	Image   string   `json:"image"`
	Command []string `json:"command"`
	Args    []string `json:"args"`
	EnvFrom []struct {
		ConfigMapRef struct{ Name string }
	} `json:"envFrom"`
	Env   []variable `json:"env"`
	Ports []struct {
		Name          string
		ContainerPort int
		Protocol      string
	} `json:"ports"`
	Resources struct {
		Requests, Limits map[string]string
	} `json:"resources"`
	SecurityContext struct {
		ReadOnlyRootFilesystem bool
	} `json:"securityContext"`
	StartupProbe   *probe `json:"startupProbe"`
	LivenessProbe  *probe `json:"livenessProbe"`
	ReadinessProbe *probe `json:"readinessProbe"`
	Lifecycle      struct {
		PreStop struct {
			Sleep struct{ Seconds int }
			Exec  struct{ Command []string }
		}
	} `json:"lifecycle"`
	VolumeMounts []struct{ Name, MountPath string } `json:"volumeMounts"`
}

type variable struct {
	Name      string `json:"name"`
	Value     string `json:"value"`
	ValueFrom struct {
		FieldRef         struct{ FieldPath string }
		SecretKeyRef     struct{ Name, Key string }
		ResourceFieldRef struct{ ContainerName, Resource, Divisor string }
	} `json:"valueFrom"`
}

type probe struct {
	HTTPGet struct {
		Path string
		Port json.RawMessage
	} `json:"httpGet"`
	PeriodSeconds    int `json:"periodSeconds"`
	TimeoutSeconds   int `json:"timeoutSeconds"`
	FailureThreshold int `json:"failureThreshold"`
}

type claim struct {
	Metadata metadata
	Spec     struct {
		Resources struct{ Requests map[string]string }
	}
}

type servicePort struct {
	Name       string          `json:"name"`
	Port       int             `json:"port"`
	TargetPort json.RawMessage `json:"targetPort"`
}

type rule struct {
	From, To []peer
	Ports    []struct{ Port json.RawMessage }
}

type peer struct{ PodSelector, NamespaceSelector *labelSelector }

type behavior struct {
	ScaleUp, ScaleDown struct {
		StabilizationWindowSeconds int
		SelectPolicy               string
		Policies                   []struct {
			Type                 string
			Value, PeriodSeconds int
		}
	}
}

type metricSpec struct {
	Type string
	Pods struct {
		Metric struct{ Name string }
		Target struct{ AverageValue string }
	}
	Resource struct {
		Name   string
		Target struct{ AverageUtilization int }
	}
}

type trigger struct {
	Type     string
	Metadata map[string]string
}

// objects are those of one overlay.
type objects []*object

// manifests builds folders of k8s/ and has them checked, and returns their objects as JSON, by the folder.
func manifests(t *testing.T, folders ...string) map[string][]json.RawMessage {
	t.Helper()
	args := []string{"-scaledobjects", scaledObjects(t)}
	for _, f := range folders {
		args = append(args, "../../k8s/"+f)
	}
	var made map[string][]json.RawMessage
	if err := json.Unmarshal(output(t, tool(t, "manifests"), args...), &made); err != nil {
		t.Fatal(err)
	}
	named := map[string][]json.RawMessage{}
	for i, f := range folders {
		named[f] = made[args[i+2]]
	}
	return named
}

func parseObjects(t *testing.T, texts []json.RawMessage) (all objects) {
	t.Helper()
	for _, text := range texts {
		o := &object{}
		if err := json.Unmarshal(text, o); err != nil {
			t.Fatalf("%.200s: %v", text, err)
		}
		all = append(all, o)
	}
	return all
}

// of returns the objects of some kinds.
func (all objects) of(kinds ...string) (some objects) {
	for _, o := range all {
		if slices.Contains(kinds, o.Kind) {
			some = append(some, o)
		}
	}
	return some
}

// one returns an object, or an empty one.
func (all objects) one(kind, name string) *object {
	for _, o := range all {
		if o.Kind == kind && o.Metadata.Name == name {
			return o
		}
	}
	return &object{}
}

// workloads are what has pods.
func (all objects) workloads() objects { return all.of("Deployment", "StatefulSet") }

// selected returns the workloads whose pods have all of some labels.
func (all objects) selected(labels map[string]string) (some objects) {
	for _, w := range all.workloads() {
		if within(labels, w.Spec.Template.Metadata.Labels) {
			some = append(some, w)
		}
	}
	return some
}

func within(labels, all map[string]string) bool {
	for name, value := range labels {
		if all[name] != value {
			return false
		}
	}
	return true
}

// container is the only container of a workload's pods.
func (o *object) container() *container {
	if len(o.Spec.Template.Spec.Containers) != 1 {
		return &container{}
	}
	return &o.Spec.Template.Spec.Containers[0]
}

// port returns the number of a container's port by its name or, in quotes or not, its number; 0 when there is none.
func (c *container) port(name json.RawMessage) int {
	text := strings.Trim(string(name), `"`)
	number, _ := strconv.Atoi(text)
	for _, p := range c.Ports {
		if p.Name == text || p.ContainerPort == number {
			return p.ContainerPort
		}
	}
	return 0
}

// env returns what the environment of a container is, with something for what only a cluster can tell, and what is wrong.
func (all objects) env(c *container) (env map[string]string, wrong []error) {
	env = map[string]string{}
	for _, from := range c.EnvFrom {
		m := all.one("ConfigMap", from.ConfigMapRef.Name)
		if m.Kind == "" {
			wrong = append(wrong, fmt.Errorf("there is no ConfigMap %q", from.ConfigMapRef.Name))
		}
		maps.Copy(env, m.Data)
	}
	for _, v := range c.Env {
		value := v.Value
		switch from := v.ValueFrom; {
		case from.SecretKeyRef.Name != "":
			if value = samples[from.SecretKeyRef.Name][from.SecretKeyRef.Key]; value == "" {
				wrong = append(wrong, fmt.Errorf("%s: the README makes no key %q of the Secret %q", v.Name, from.SecretKeyRef.Key, from.SecretKeyRef.Name))
			}
		case from.FieldRef.FieldPath != "":
			if value = fields[from.FieldRef.FieldPath]; value == "" {
				wrong = append(wrong, fmt.Errorf("%s: %s is no field that is known here", v.Name, from.FieldRef.FieldPath))
			}
		case from.ResourceFieldRef.Resource != "":
			n, err := c.resource(from.ResourceFieldRef.Resource, from.ResourceFieldRef.Divisor)
			if err != nil || from.ResourceFieldRef.ContainerName != c.Name {
				wrong = append(wrong, fmt.Errorf("%s: %s of %q: %w", v.Name, from.ResourceFieldRef.Resource, from.ResourceFieldRef.ContainerName, err))
			}
			value = strconv.FormatInt(n, 10)
		default:
			value = expand(value, env)
		}
		env[v.Name] = value
	}
	return env, wrong
}

// samples are values for the Secrets, as the README makes them.
var samples = map[string]map[string]string{
	"limegrove": {
		"nats-edge-url": "nats://edge:n0123@nats:4222", "nats-router-url": "nats://router:n2345@nats:4222", "redis-url": "redis://:r0123@redis:6379",
		"gossip-key": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", "api-key": "0123456789abcdef",
	},
	"limegrove-stores": {
		"nats-edge-password": "n0123", "nats-router-password": "n2345", "nats-operator-password": "n3456", "nats-server-password": "n4567",
		"nats-system-password": "n89ab", "redis-password": "r0123",
	},
}

// fields are values for what pods know of themselves.
var fields = map[string]string{
	"metadata.name": "edge-7d5f-x2x", "status.podIP": "10.1.2.3", "metadata.labels['topology.kubernetes.io/zone']": "north-1",
}

// expand puts variables into a text, as Kubernetes does.
func expand(text string, env map[string]string) string {
	for name, value := range env {
		text = strings.ReplaceAll(text, "$("+name+")", value)
	}
	return text
}

// resource is a request or limit, such as requests.cpu, in divisors, rounded up.
func (c *container) resource(name, divisor string) (int64, error) {
	of, what, _ := strings.Cut(name, ".")
	all := map[string]map[string]string{"requests": c.Resources.Requests, "limits": c.Resources.Limits}[of]
	amount, err := quantity(all[what])
	if err != nil {
		return 0, err
	}
	unit, err := quantity(divisor)
	if err != nil {
		return 0, err
	}
	return (amount + unit - 1) / unit, nil
}

// quantity reads one of Kubernetes' quantities, in thousandths.
func quantity(text string) (int64, error) {
	number := strings.TrimRight(text, "mkKMGTi")
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is no quantity that is known here: %w", text, err)
	}
	unit, ok := map[string]int64{
		"m": 1, "": 1000, "k": 1_000_000, "M": 1_000_000_000, "G": 1_000_000_000_000,
		"Ki": 1000 << 10, "Mi": 1000 << 20, "Gi": 1000 << 30, "Ti": 1000 << 40,
	}[text[len(number):]]
	if !ok {
		return 0, fmt.Errorf("%q has a unit that is not known here", text)
	}
	return n * unit, nil
}

// size is a quantity of memory or disk, in bytes; 0 for none.
func size(text string) int64 {
	n, err := quantity(text)
	if err != nil {
		return 0
	}
	return n / 1000
}
