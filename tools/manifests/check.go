package main

import (
	"encoding/json"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	podutil "k8s.io/kubernetes/pkg/api/pod"
	"k8s.io/kubernetes/pkg/apis/apps"
	_ "k8s.io/kubernetes/pkg/apis/apps/install" // known kinds
	appsvalidation "k8s.io/kubernetes/pkg/apis/apps/validation"
	"k8s.io/kubernetes/pkg/apis/autoscaling"
	_ "k8s.io/kubernetes/pkg/apis/autoscaling/install"
	autoscalingvalidation "k8s.io/kubernetes/pkg/apis/autoscaling/validation"
	"k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	corevalidation "k8s.io/kubernetes/pkg/apis/core/validation"
	"k8s.io/kubernetes/pkg/apis/networking"
	_ "k8s.io/kubernetes/pkg/apis/networking/install"
	networkingvalidation "k8s.io/kubernetes/pkg/apis/networking/validation"
	"k8s.io/kubernetes/pkg/apis/policy"
	_ "k8s.io/kubernetes/pkg/apis/policy/install"
	policyvalidation "k8s.io/kubernetes/pkg/apis/policy/validation"
	"k8s.io/pod-security-admission/api"
	podsecurity "k8s.io/pod-security-admission/policy"
)

// codecs decode strictly: an unknown field and one that is given twice are errors.
var codecs = serializer.NewCodecFactory(legacyscheme.Scheme, serializer.EnableStrict)

// internal are the forms in which an API server keeps what it is given.
var internal = []schema.GroupVersion{
	{Version: runtime.APIVersionInternal},
	{Group: "apps", Version: runtime.APIVersionInternal},
	{Group: "autoscaling", Version: runtime.APIVersionInternal},
	{Group: "networking.k8s.io", Version: runtime.APIVersionInternal},
	{Group: "policy", Version: runtime.APIVersionInternal},
}

// check tells what an API server would not take of an object. It knows the kinds of Kubernetes, and those that are defined.
func check(text []byte, known map[schema.GroupVersionKind]*definition) (wrong []error) {
	var about struct {
		APIVersion string                `json:"apiVersion"`
		Kind       string                `json:"kind"`
		Metadata   struct{ Name string } `json:"metadata"`
	}
	if err := json.Unmarshal(text, &about); err != nil {
		return []error{err}
	}
	add := func(err error) { wrong = append(wrong, fmt.Errorf("%s %s: %w", about.Kind, about.Metadata.Name, err)) }
	if kind := schema.FromAPIVersionAndKind(about.APIVersion, about.Kind); kind == scaledObject {
		if known == nil {
			fail(getDefinition) // once, and not for each
		}
		d := known[kind]
		if d == nil {
			add(fmt.Errorf("the definition has no %s", kind))
			return wrong
		}
		for _, err := range d.check(text) {
			add(err)
		}
		if len(wrong) > 0 {
			return wrong
		}
		made, err := autoscalerOf(text)
		if err == nil {
			text, err = json.Marshal(made)
		}
		if err != nil {
			add(err)
			return wrong
		}
	}
	// As it is written, with what is left out filled in.
	written, _, err := codecs.UniversalDeserializer().Decode(text, nil, nil)
	if err != nil {
		add(err)
		return wrong
	}
	// As an API server keeps it.
	kept, err := runtime.Decode(codecs.UniversalDecoder(internal...), text)
	if err != nil {
		add(err)
		return wrong
	}
	for _, err := range validate(kept) {
		add(err)
	}
	for _, err := range checkSecurity(written) {
		add(err)
	}
	return wrong
}

// validate is an API server's own check of an object that is made.
func validate(o runtime.Object) field.ErrorList {
	pods := func(t *core.PodTemplateSpec) corevalidation.PodValidationOptions {
		return podutil.GetValidationOptionsFromPodTemplate(t, nil)
	}
	switch o := o.(type) {
	case *core.Namespace:
		return corevalidation.ValidateNamespace(o)
	case *core.ServiceAccount:
		return corevalidation.ValidateServiceAccount(o)
	case *core.ConfigMap:
		return corevalidation.ValidateConfigMap(o)
	case *core.Service:
		if o.Spec.ClusterIP != "" { // which an API server adds before it looks
			o.Spec.ClusterIPs = []string{o.Spec.ClusterIP}
		}
		return corevalidation.ValidateServiceCreate(o)
	case *apps.Deployment:
		return appsvalidation.ValidateDeployment(o, pods(&o.Spec.Template))
	case *apps.StatefulSet:
		return appsvalidation.ValidateStatefulSet(o, pods(&o.Spec.Template))
	case *autoscaling.HorizontalPodAutoscaler:
		return autoscalingvalidation.ValidateHorizontalPodAutoscaler(o, autoscalingvalidation.HorizontalPodAutoscalerSpecValidationOptions{})
	case *policy.PodDisruptionBudget:
		return policyvalidation.ValidatePodDisruptionBudget(o, policyvalidation.PodDisruptionBudgetValidationOptions{})
	case *networking.NetworkPolicy:
		return networkingvalidation.ValidateNetworkPolicy(o, networkingvalidation.NetworkPolicyValidationOptions{})
	}
	return field.ErrorList{field.Invalid(field.NewPath("kind"), fmt.Sprintf("%T", o), "nothing here validates it")}
}

// checkSecurity holds pods against the strictest of the pod security standards.
func checkSecurity(o runtime.Object) (wrong []error) {
	var pod *corev1.PodTemplateSpec
	switch o := o.(type) {
	case *appsv1.Deployment:
		pod = &o.Spec.Template
	case *appsv1.StatefulSet:
		pod = &o.Spec.Template
	default:
		return nil
	}
	standard, err := podsecurity.NewEvaluator(podsecurity.DefaultChecks(), nil)
	if err != nil {
		return []error{err}
	}
	for _, r := range standard.EvaluatePod(api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}, &pod.ObjectMeta, &pod.Spec) {
		if !r.Allowed {
			wrong = append(wrong, fmt.Errorf("%s: %s", r.ForbiddenReason, r.ForbiddenDetail))
		}
	}
	return wrong
}
