{{- define "alphorn.name" -}}
{{- if contains "alphorn" .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-alphorn" .Release.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{/* Names of cluster-scoped objects carry the namespace: two releases must not share them. */}}
{{- define "alphorn.clusterName" -}}
{{ .Release.Namespace }}:{{ include "alphorn.name" . }}
{{- end }}

{{- define "alphorn.selector" -}}
app.kubernetes.io/name: alphorn-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "alphorn.labels" -}}
{{ include "alphorn.selector" . }}
app.kubernetes.io/component: operator
app.kubernetes.io/part-of: alphorn
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{/* What the operator reads as --config. */}}
{{- define "alphorn.config" -}}
images:
  postgres: {{ .Values.images.postgres | quote }}
  nginx: {{ .Values.images.nginx | quote }}
  redis: {{ .Values.images.redis | quote }}
  web: {{ .Values.images.web | default "" | quote }}
  mas: {{ .Values.images.mas | default "" | quote }}
  bridges:
    {{- range $type, $image := .Values.images.bridges }}
    {{ $type }}: {{ $image | quote }}
    {{- else }} {}
    {{- end }}
  livekit: {{ .Values.images.livekit | default "" | quote }}
  coturn: {{ .Values.images.coturn | default "" | quote }}
  lkJwtService: {{ .Values.images.lkJwtService | default "" | quote }}
  # The operator's own image has the program that its Jobs run.
  provisioner: {{ .Values.image | quote }}
  backup: {{ .Values.images.backup | default "" | quote }}
  synapse:
    repository: {{ .Values.images.synapse.repository | quote }}
    tagPrefix: {{ .Values.images.synapse.tagPrefix | quote }}
{{- if .Values.monitoring.enabled }}
  postgresExporter: {{ .Values.images.postgresExporter | quote }}
  nginxExporter: {{ .Values.images.nginxExporter | quote }}
monitoring:
  namespace: {{ .Values.monitoring.namespace | quote }}
{{- end }}
database:
  formerLoginSeconds: {{ .Values.database.formerLoginSeconds }}
channels:
  {{- range $name, $version := .Values.channels }}
  {{ $name }}: {{ $version | quote }}
  {{- else }} {}
  {{- end }}
{{- end }}
