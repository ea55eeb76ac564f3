package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// scaledObject is the kind, of which KEDA's definition tells the form.
var scaledObject = schema.GroupVersionKind{Group: "keda.sh", Version: "v1alpha1", Kind: "ScaledObject"}

// kedaScaledObject is what KEDA makes an autoscaler of, as far as we use it. KEDA's module brings all that it can scale by, some
// thousand packages; so that is written down here, with Kubernetes' own types for what KEDA hands on.
type kedaScaledObject struct {
	Metadata struct{ Name, Namespace string } `json:"metadata"`
	Spec     struct {
		ScaleTargetRef struct {
			Name string `json:"name"`
		} `json:"scaleTargetRef"`
		PollingInterval *int32 `json:"pollingInterval"`
		MinReplicaCount *int32 `json:"minReplicaCount"`
		MaxReplicaCount *int32 `json:"maxReplicaCount"`
		Advanced        struct {
			HorizontalPodAutoscalerConfig struct {
				Behavior *autoscalingv2.HorizontalPodAutoscalerBehavior `json:"behavior"`
			} `json:"horizontalPodAutoscalerConfig"`
		} `json:"advanced"`
		Triggers []struct {
			Type       string                         `json:"type"`
			MetricType autoscalingv2.MetricTargetType `json:"metricType"`
			Metadata   map[string]string              `json:"metadata"`
		} `json:"triggers"`
	} `json:"spec"`
}

// triggers are the kinds of triggers that we use, with what each needs.
var triggers = map[string][]string{"prometheus": {"serverAddress", "query", "threshold"}, "cpu": {"value"}}

// autoscalerOf is the autoscaler that KEDA would make of a ScaledObject that fits its definition, to be checked like any other. The
// definition says nothing of what is within a trigger, and leaves open what we want to see written.
func autoscalerOf(text []byte) (*autoscalingv2.HorizontalPodAutoscaler, error) {
	var o kedaScaledObject
	if err := json.Unmarshal(text, &o); err != nil {
		return nil, err
	}
	if o.Spec.MinReplicaCount == nil || o.Spec.MaxReplicaCount == nil {
		return nil, errors.New("a ScaledObject has a minReplicaCount and a maxReplicaCount")
	}
	if i := o.Spec.PollingInterval; i == nil || *i < 1 {
		return nil, errors.New("pollingInterval is not above 0")
	}
	made := &autoscalingv2.HorizontalPodAutoscaler{}
	made.APIVersion, made.Kind = "autoscaling/v2", "HorizontalPodAutoscaler"
	made.Name, made.Namespace = "keda-hpa-"+o.Metadata.Name, o.Metadata.Namespace
	made.Spec.ScaleTargetRef = autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: o.Spec.ScaleTargetRef.Name}
	made.Spec.MinReplicas, made.Spec.MaxReplicas = o.Spec.MinReplicaCount, *o.Spec.MaxReplicaCount
	made.Spec.Behavior = o.Spec.Advanced.HorizontalPodAutoscalerConfig.Behavior
	for i, t := range o.Spec.Triggers {
		needs, known := triggers[t.Type]
		if !known {
			return nil, fmt.Errorf("triggers[%d]: the type %q is not known here", i, t.Type)
		}
		if len(t.Metadata) != len(needs) {
			return nil, fmt.Errorf("triggers[%d]: its metadata are not %v", i, needs)
		}
		for _, name := range needs {
			if t.Metadata[name] == "" {
				return nil, fmt.Errorf("triggers[%d]: no %s", i, name)
			}
		}
		number, err := strconv.ParseInt(t.Metadata[needs[len(needs)-1]], 10, 32)
		if err != nil || number <= 0 {
			return nil, fmt.Errorf("triggers[%d]: its %s is no number above 0", i, needs[len(needs)-1])
		}
		made.Spec.Metrics = append(made.Spec.Metrics, metric(t.Type, t.MetricType, int32(number)))
	}
	return made, nil
}

// metric is what KEDA makes of a trigger.
func metric(trigger string, target autoscalingv2.MetricTargetType, number int32) autoscalingv2.MetricSpec {
	t := autoscalingv2.MetricTarget{Type: target}
	switch target {
	case autoscalingv2.UtilizationMetricType:
		t.AverageUtilization = &number
	case autoscalingv2.AverageValueMetricType:
		t.AverageValue = resource.NewQuantity(int64(number), resource.DecimalSI)
	}
	if trigger == "cpu" {
		return autoscalingv2.MetricSpec{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{Name: "cpu", Target: t}}
	}
	return autoscalingv2.MetricSpec{Type: autoscalingv2.ExternalMetricSourceType, External: &autoscalingv2.ExternalMetricSource{
		Metric: autoscalingv2.MetricIdentifier{Name: "s0-prometheus"}, Target: t,
	}}
}
