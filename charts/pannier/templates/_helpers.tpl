{{/* The names are those of the official chart, so that `helm upgrade` of its release keeps objects and selectors. */}}

{{- define "pannier.name" -}}
{{- default "vault" .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "pannier.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "pannier.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "pannier.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "pannier.namespace" -}}
{{- default .Release.Namespace .Values.global.namespace -}}
{{- end -}}

{{- define "pannier.injector.enabled" -}}
{{- if or (eq (.Values.injector.enabled | toString) "true") (and (eq (.Values.injector.enabled | toString) "-") (eq (.Values.global.enabled | toString) "true")) }}true{{ end -}}
{{- end -}}

{{/* Several replicas share their certificate through a Secret. */}}
{{- define "pannier.injector.shared" -}}
{{- if and (include "pannier.injector.enabled" .) (eq (.Values.injector.leaderElector.enabled | toString) "true") (gt (int .Values.injector.replicas) 1) (not (include "pannier.injector.certSecret" .)) }}true{{ end -}}
{{- end -}}

{{/* Name of the Secret with certificate files, if there is one. */}}
{{- define "pannier.injector.certSecret" -}}
{{- if .Values.injector.certs.certManager.enabled -}}
{{- printf "%s-agent-injector-tls" (include "pannier.fullname" .) -}}
{{- else -}}
{{- .Values.injector.certs.secretName | default "" -}}
{{- end -}}
{{- end -}}

{{- /*
The CA bundle of the webhook. Unless it is given, it is the injector's (or cert-manager's) to fill, and no upgrade may empty
it meanwhile. Helm 4 applies on the server's side, where what the chart does not name is left alone; a bundle that it did name
would be kept with the release, and quarrelled about by a roll-back once the injector has another authority. Helm 3, and Helm 4 for
releases made by it, compares with the release before, where the official chart has an empty one, and would take the bundle
away: there it is what the cluster has.
*/}}
{{- define "pannier.caBundle" -}}
{{- $live := lookup "admissionregistration.k8s.io/v1" "MutatingWebhookConfiguration" "" (printf "%s-agent-injector-cfg" (include "pannier.fullname" .)) -}}
{{- $applied := false -}}
{{- range dig "metadata" "managedFields" (list) $live -}}
{{- $applied = or $applied (and (eq .operation "Apply") (ne .manager "pannier-injector")) -}}
{{- end -}}
{{- if .Values.injector.certs.caBundle -}}
caBundle: {{ .Values.injector.certs.caBundle | quote }}
{{- else if not $applied -}}
{{- with (first (default (list dict) $live.webhooks)).clientConfig -}}
{{- with .caBundle -}}
caBundle: {{ . | quote }}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "pannier.labels" -}}
app.kubernetes.io/name: {{ include "pannier.name" . }}-agent-injector
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "pannier.selector" -}}
app.kubernetes.io/name: {{ include "pannier.name" . }}-agent-injector
app.kubernetes.io/instance: {{ .Release.Name }}
component: webhook
{{- end -}}

{{- define "pannier.vaultAddress" -}}
{{- if .Values.global.externalVaultAddr -}}
{{- .Values.global.externalVaultAddr -}}
{{- else if .Values.injector.externalVaultAddr -}}
{{- .Values.injector.externalVaultAddr -}}
{{- else -}}
{{- ternary "http" "https" (eq (.Values.global.tlsDisable | toString) "true") -}}://{{ include "pannier.fullname" . }}.{{ include "pannier.namespace" . }}.svc:{{ .Values.server.service.port }}
{{- end -}}
{{- end -}}

{{/* A value that may be YAML or a template that gives YAML: (dict "value" V "context" .) */}}
{{- define "pannier.yaml" -}}
{{- if kindIs "string" .value -}}{{ tpl .value .context | trim }}{{- else -}}{{ toYaml .value }}{{- end -}}
{{- end -}}

{{/* Values files for the official chart may use its names in templates. */}}
{{- define "vault.name" -}}{{ include "pannier.name" . }}{{- end -}}
{{- define "vault.fullname" -}}{{ include "pannier.fullname" . }}{{- end -}}
