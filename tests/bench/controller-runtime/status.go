package main

import (
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func find(conditions []metav1.Condition, kind string) metav1.Condition {
	for _, condition := range conditions {
		if condition.Type == kind {
			return condition
		}
	}
	return metav1.Condition{}
}

func statusOf(conditions []metav1.Condition, kind string) metav1.ConditionStatus {
	return find(conditions, kind).Status
}

func titleCase(name string) string { return strings.ToUpper(name[:1]) + name[1:] }

// summarize makes the status; a transition time moves only when a condition flips.
func summarize(w *world, plans []componentPlan) Status {
	before := w.tenant.Status.Conditions
	now := metav1.NewTime(time.Now().UTC().Truncate(time.Second))
	conditions := make([]metav1.Condition, 0, len(plans)+3)
	set := func(kind string, value bool, reason, message string) {
		status := metav1.ConditionFalse
		if value {
			status = metav1.ConditionTrue
		}
		old := find(before, kind)
		moment := old.LastTransitionTime
		if old.Status != status {
			moment = now
		}
		conditions = append(conditions, metav1.Condition{Type: kind, Status: status, Reason: reason,
			Message: message, ObservedGeneration: w.tenant.Generation, LastTransitionTime: moment})
	}
	outcomes := make([]readiness, len(plans))
	trouble := -1
	for index, plan := range plans {
		outcomes[index] = plan.readiness
		if plan.registers() {
			outcomes[index] = isReady
		} else if plan.readiness.ready && len(plan.steps) > 0 {
			outcomes[index] = readiness{reason: "Applying", message: plan.steps[0].text}
		}
		if !outcomes[index].ready && trouble < 0 {
			trouble = index
		}
	}
	server := w.tenant.Spec.ServerName
	url := "https://matrix." + server
	if trouble < 0 {
		set("Ready", true, "Serving", url+" answers as Synapse "+w.tenant.Spec.Version+" for "+server)
		set("Reconciling", false, "Serving", "")
		set("Stalled", false, "Serving", "")
	} else {
		reason := titleCase(plans[trouble].name) + "NotReady"
		message := plans[trouble].name + ": " + outcomes[trouble].message
		set("Ready", false, reason, message)
		set("Reconciling", true, reason, message)
		set("Stalled", false, "Progressing", "")
	}
	for index, plan := range plans {
		set(titleCase(plan.name)+"Ready", outcomes[index].ready, outcomes[index].reason, outcomes[index].message)
	}
	return addFacts(w, plans, outcomes, Status{ObservedGeneration: w.tenant.Generation, Conditions: conditions})
}

func (p *componentPlan) registers() bool {
	return len(p.steps) > 0 && p.steps[0].registers
}

// isProgress is true when both tell of the same wish being fulfilled: news that can wait a little.
func isProgress(status, before Status) bool {
	return len(before.Conditions) > 0 && status.ObservedGeneration == before.ObservedGeneration &&
		statusOf(status.Conditions, "Ready") == metav1.ConditionFalse &&
		statusOf(before.Conditions, "Ready") == metav1.ConditionFalse
}

func addFacts(w *world, plans []componentPlan, outcomes []readiness, status Status) Status {
	name, server := w.tenant.Name, w.tenant.Spec.ServerName
	status.Hosts = []string{"matrix." + server, server}
	status.CertificateAuthority = &AuthorityRef{ConfigMapName: name + "-ca"}
	well := map[string]bool{}
	for index, plan := range plans {
		well[plan.name] = outcomes[index].ready
	}
	if well["exposure"] {
		status.Address = "https://matrix." + server
	}
	status.SigningKeyID = w.tenant.Status.SigningKeyID
	if well["keys"] {
		status.SigningKeyID = w.keyID
	}
	status.Version = w.tenant.Status.Version
	if w.readinessOf("homeserver").ready {
		status.Version = w.tenant.Spec.Version
	}
	if w.leaf != nil {
		status.Certificate = &Certificate{Serial: strings.ToUpper(w.leaf.SerialNumber.Text(16)),
			NotAfter: w.leaf.NotAfter.UTC().Format(time.RFC3339)}
	}
	status.Administrator = w.tenant.Status.Administrator
	if well["administrator"] {
		status.Administrator = &Administrator{UserID: "@" + w.tenant.Spec.Administrator.Localpart + ":" + server,
			SecretName: name + "-administrator", Registration: w.registration()}
	}
	return status
}
