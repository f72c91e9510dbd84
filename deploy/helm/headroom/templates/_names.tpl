{{- define "headroom.name" -}}
{{- printf "%s-headroom" .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "headroom.secret" -}}
{{- .Values.existingSecret | default (include "headroom.name" .) -}}
{{- end -}}

{{- define "headroom.state" -}}
{{- if .Values.redis.url -}}
{{- .Values.redis.url -}}
{{- else if .Values.redis.enabled -}}
redis://{{ include "headroom.name" . }}-redis:6379/0
{{- else -}}
memory:
{{- end -}}
{{- end -}}
