//! What operators create for their custom resources.
//!
//! Each row comes from the operator's own code: the kinds that its controller owns (`Owns(…)` of
//! controller-runtime) and the owner references that it writes. An operator that writes none, such as
//! Flux, is not listed, because nothing that it creates names an owner.

use super::MAKES;

/// How an operator names what it creates for a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MadeNames {
    /// After the resource, or as the resource says in its `spec` or `status`.
    Related,
    /// Exactly as the resource.
    Same,
    /// With this prefix.
    Prefixed(&'static str),
    /// In a way that the resource does not show.
    Any,
}

/// What may have created an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectMaker {
    /// A controller of Kubernetes.
    BuiltIn,
    /// A known operator, which names its objects in this way.
    Operator(MadeNames),
}

/// What an operator creates for its resources.
struct OperatorKinds {
    group: &'static str,
    /// The kinds of the resources.
    owners: &'static [&'static str],
    makes: &'static [&'static str],
    names: MadeNames,
}

/// Returns what creates objects of kind `made` for an owner; `None` if nothing is known to.
pub fn maker(group: &str, owner: &str, made: &str) -> Option<ObjectMaker> {
    let is_built_in = |(of, kind, makes): &&(&str, &str, &[&str])| {
        (*of, *kind) == (group, owner) && makes.contains(&made)
    };
    if MAKES.iter().any(|row| is_built_in(&row)) {
        return Some(ObjectMaker::BuiltIn);
    }
    let mut rows = OPERATORS.iter();
    let row = rows
        .find(|row| row.group == group && row.owners.contains(&owner) && row.makes.contains(&made));
    row.map(|row| ObjectMaker::Operator(row.names))
}

const fn related(
    group: &'static str,
    owners: &'static [&'static str],
    makes: &'static [&'static str],
) -> OperatorKinds {
    OperatorKinds {
        group,
        owners,
        makes,
        names: MadeNames::Related,
    }
}

const fn same(
    group: &'static str,
    owners: &'static [&'static str],
    makes: &'static [&'static str],
) -> OperatorKinds {
    OperatorKinds {
        names: MadeNames::Same,
        ..related(group, owners, makes)
    }
}

const fn any(
    group: &'static str,
    owners: &'static [&'static str],
    makes: &'static [&'static str],
) -> OperatorKinds {
    OperatorKinds {
        names: MadeNames::Any,
        ..related(group, owners, makes)
    }
}

/// The kinds of widely used operators. Objects that grant permissions count as created by an operator
/// only if they are listed here (see [`is_guarded`](super::is_guarded)).
const OPERATORS: &[OperatorKinds] = &[
    // actions/actions-runner-controller
    related(
        "actions.github.com",
        &["AutoscalingListener", "AutoscalingRunnerSet"],
        &["Role", "RoleBinding", "Pod", "Secret", "ServiceAccount"],
    ),
    related(
        "actions.github.com",
        &["EphemeralRunner"],
        &["Pod", "Secret"],
    ),
    // argoproj-labs/argocd-operator
    related(
        "argoproj.io",
        &["ArgoCD"],
        &[
            "ConfigMap",
            "Deployment",
            "Ingress",
            "Role",
            "RoleBinding",
            "Route",
            "Secret",
            "Service",
            "ServiceAccount",
            "StatefulSet",
        ],
    ),
    // argoproj/argo-rollouts, argo-workflows, argo-events
    related(
        "argoproj.io",
        &["Rollout"],
        &["AnalysisRun", "Experiment", "ReplicaSet"],
    ),
    related(
        "argoproj.io",
        &["Experiment"],
        &["AnalysisRun", "ReplicaSet", "Service"],
    ),
    related("argoproj.io", &["AnalysisRun"], &["Job"]),
    related(
        "argoproj.io",
        &["Workflow"],
        &[
            "PersistentVolumeClaim",
            "Pod",
            "PodDisruptionBudget",
            "WorkflowTaskSet",
        ],
    ),
    related("argoproj.io", &["CronWorkflow"], &["Workflow"]),
    related(
        "argoproj.io",
        &["EventSource", "Sensor"],
        &["Deployment", "Service"],
    ),
    related(
        "argoproj.io",
        &["EventBus"],
        &["ConfigMap", "Secret", "Service", "StatefulSet"],
    ),
    // bitnami-labs/sealed-secrets: the Secret has the name of the SealedSecret.
    same("bitnami.com", &["SealedSecret"], &["Secret"]),
    // external-secrets/external-secrets: `spec.target.name`, or the name of the ExternalSecret.
    related("external-secrets.io", &["ExternalSecret"], &["Secret"]),
    same(
        "external-secrets.io",
        &["ClusterExternalSecret"],
        &["ExternalSecret"],
    ),
    // hashicorp/vault-secrets-operator: `spec.destination.name`
    related(
        "secrets.hashicorp.com",
        &[
            "HCPVaultSecretsApp",
            "VaultDynamicSecret",
            "VaultPKISecret",
            "VaultStaticSecret",
        ],
        &["Secret"],
    ),
    // 1Password/onepassword-operator, isindir/sops-secrets-operator
    same("onepassword.com", &["OnePasswordItem"], &["Secret"]),
    related("isindir.github.com", &["SopsSecret"], &["Secret"]),
    // cert-manager/cert-manager, cert-manager/trust-manager
    related(
        "cert-manager.io",
        &["Certificate"],
        &["CertificateRequest", "Secret"],
    ),
    related("cert-manager.io", &["CertificateRequest"], &["Order"]),
    related("acme.cert-manager.io", &["Order"], &["Challenge"]),
    OperatorKinds {
        names: MadeNames::Prefixed("cm-acme-http-solver-"),
        ..related(
            "acme.cert-manager.io",
            &["Challenge"],
            &["HTTPRoute", "Ingress", "Pod", "Service"],
        )
    },
    same(
        "trust.cert-manager.io",
        &["Bundle"],
        &["ConfigMap", "Secret"],
    ),
    // strimzi/strimzi-kafka-operator
    related(
        "kafka.strimzi.io",
        &["Kafka", "KafkaBridge", "KafkaConnect", "KafkaMirrorMaker2"],
        &[
            "ConfigMap",
            "Deployment",
            "Ingress",
            "NetworkPolicy",
            "PersistentVolumeClaim",
            "PodDisruptionBudget",
            "Role",
            "RoleBinding",
            "Route",
            "Secret",
            "Service",
            "ServiceAccount",
            "StrimziPodSet",
        ],
    ),
    related("kafka.strimzi.io", &["KafkaUser"], &["Secret"]),
    related("core.strimzi.io", &["StrimziPodSet"], &["Pod"]),
    // grafana/loki/operator, grafana/tempo-operator, grafana/grafana-operator
    related(
        "loki.grafana.com",
        &["LokiStack"],
        &[
            "ConfigMap",
            "Deployment",
            "Ingress",
            "NetworkPolicy",
            "PodDisruptionBudget",
            "Role",
            "RoleBinding",
            "Route",
            "Secret",
            "Service",
            "ServiceAccount",
            "StatefulSet",
        ],
    ),
    related(
        "tempo.grafana.com",
        &["TempoMonolithic", "TempoStack"],
        &[
            "ConfigMap",
            "Deployment",
            "Ingress",
            "Route",
            "Secret",
            "Service",
            "ServiceAccount",
            "StatefulSet",
        ],
    ),
    related(
        "grafana.integreatly.org",
        &["Grafana"],
        &[
            "ConfigMap",
            "Deployment",
            "Ingress",
            "PersistentVolumeClaim",
            "Route",
            "Secret",
            "Service",
            "ServiceAccount",
        ],
    ),
    // tektoncd/operator, tektoncd/pipeline
    any(
        "operator.tekton.dev",
        &["TektonInstallerSet"],
        &[
            "ClusterRole",
            "ClusterRoleBinding",
            "ConfigMap",
            "Deployment",
            "HorizontalPodAutoscaler",
            "MutatingWebhookConfiguration",
            "Role",
            "RoleBinding",
            "Secret",
            "Service",
            "ServiceAccount",
            "StatefulSet",
            "ValidatingWebhookConfiguration",
        ],
    ),
    related(
        "tekton.dev",
        &["PipelineRun"],
        &["PersistentVolumeClaim", "StatefulSet", "TaskRun"],
    ),
    related("tekton.dev", &["TaskRun"], &["Pod"]),
    // operator-framework/operator-lifecycle-manager: Services and Secrets have the names of the
    // Deployments in `spec.install`, with a suffix.
    related(
        "operators.coreos.com",
        &["ClusterServiceVersion"],
        &[
            "ConfigMap",
            "Deployment",
            "Role",
            "RoleBinding",
            "ServiceAccount",
        ],
    ),
    any(
        "operators.coreos.com",
        &["ClusterServiceVersion"],
        &["Secret", "Service"],
    ),
    any(
        "operators.coreos.com",
        &["CatalogSource"],
        &["Pod", "Service", "ServiceAccount"],
    ),
    // crossplane/crossplane
    related(
        "pkg.crossplane.io",
        &[
            "ConfigurationRevision",
            "FunctionRevision",
            "ProviderRevision",
        ],
        &[
            "ClusterRole",
            "ClusterRoleBinding",
            "Deployment",
            "Secret",
            "Service",
            "ServiceAccount",
        ],
    ),
    // cloudnative-pg/cloudnative-pg
    related(
        "postgresql.cnpg.io",
        &["Cluster", "Pooler"],
        &[
            "ConfigMap",
            "Deployment",
            "Job",
            "PersistentVolumeClaim",
            "Pod",
            "PodDisruptionBudget",
            "PodMonitor",
            "Role",
            "RoleBinding",
            "Secret",
            "Service",
            "ServiceAccount",
        ],
    ),
    // zalando/postgres-operator, CrunchyData/postgres-operator
    related(
        "acid.zalan.do",
        &["postgresql"],
        &[
            "CronJob",
            "PodDisruptionBudget",
            "Secret",
            "Service",
            "StatefulSet",
        ],
    ),
    related(
        "postgres-operator.crunchydata.com",
        &["PostgresCluster"],
        &[
            "ConfigMap",
            "CronJob",
            "Deployment",
            "Endpoints",
            "Job",
            "PersistentVolumeClaim",
            "PodDisruptionBudget",
            "Role",
            "RoleBinding",
            "Secret",
            "Service",
            "ServiceAccount",
            "StatefulSet",
        ],
    ),
    // mariadb-operator, mongodb-kubernetes-operator, percona, redis-operator, minio/operator
    related(
        "k8s.mariadb.com",
        &["MariaDB", "MaxScale"],
        &[
            "ConfigMap",
            "Deployment",
            "Job",
            "PodDisruptionBudget",
            "Role",
            "RoleBinding",
            "Secret",
            "Service",
            "ServiceAccount",
            "StatefulSet",
        ],
    ),
    related(
        "mongodbcommunity.mongodb.com",
        &["MongoDBCommunity"],
        &["ConfigMap", "Secret", "Service", "StatefulSet"],
    ),
    related(
        "psmdb.percona.com",
        &["PerconaServerMongoDB"],
        &[
            "ConfigMap",
            "CronJob",
            "Deployment",
            "PodDisruptionBudget",
            "Secret",
            "Service",
            "StatefulSet",
        ],
    ),
    related(
        "pxc.percona.com",
        &["PerconaXtraDBCluster"],
        &[
            "ConfigMap",
            "CronJob",
            "PodDisruptionBudget",
            "Secret",
            "Service",
            "StatefulSet",
        ],
    ),
    related(
        "redis.redis.opstreelabs.in",
        &["Redis", "RedisCluster", "RedisReplication", "RedisSentinel"],
        &[
            "ConfigMap",
            "PodDisruptionBudget",
            "Secret",
            "Service",
            "StatefulSet",
        ],
    ),
    related(
        "minio.min.io",
        &["Tenant"],
        &[
            "ConfigMap",
            "Role",
            "RoleBinding",
            "Secret",
            "Service",
            "ServiceAccount",
            "StatefulSet",
        ],
    ),
    // rabbitmq/cluster-operator
    related(
        "rabbitmq.com",
        &["RabbitmqCluster"],
        &[
            "ConfigMap",
            "PersistentVolumeClaim",
            "Role",
            "RoleBinding",
            "Secret",
            "Service",
            "ServiceAccount",
            "StatefulSet",
        ],
    ),
    // ray-project/kuberay
    related(
        "ray.io",
        &["RayCluster", "RayJob", "RayService"],
        &[
            "Ingress",
            "Job",
            "Pod",
            "RayCluster",
            "Role",
            "RoleBinding",
            "Route",
            "Secret",
            "Service",
            "ServiceAccount",
        ],
    ),
    // elastic/cloud-on-k8s
    related(
        "elasticsearch.k8s.elastic.co",
        &["Elasticsearch"],
        &[
            "ConfigMap",
            "PodDisruptionBudget",
            "Secret",
            "Service",
            "StatefulSet",
        ],
    ),
    related(
        "kibana.k8s.elastic.co",
        &["Kibana"],
        &["ConfigMap", "Deployment", "Secret", "Service"],
    ),
    related(
        "apm.k8s.elastic.co",
        &["ApmServer"],
        &["ConfigMap", "Deployment", "Secret", "Service"],
    ),
    related(
        "agent.k8s.elastic.co",
        &["Agent"],
        &[
            "ConfigMap",
            "DaemonSet",
            "Deployment",
            "Secret",
            "Service",
            "StatefulSet",
        ],
    ),
    related(
        "beat.k8s.elastic.co",
        &["Beat"],
        &["ConfigMap", "DaemonSet", "Deployment", "Secret"],
    ),
    related(
        "logstash.k8s.elastic.co",
        &["Logstash"],
        &[
            "ConfigMap",
            "PodDisruptionBudget",
            "Secret",
            "Service",
            "StatefulSet",
        ],
    ),
    // prometheus-operator/prometheus-operator: the governing Services have fixed names
    // (`prometheus-operated`).
    related(
        "monitoring.coreos.com",
        &[
            "Alertmanager",
            "Prometheus",
            "PrometheusAgent",
            "ThanosRuler",
        ],
        &["ConfigMap", "DaemonSet", "Secret", "StatefulSet"],
    ),
    any(
        "monitoring.coreos.com",
        &[
            "Alertmanager",
            "Prometheus",
            "PrometheusAgent",
            "ThanosRuler",
        ],
        &["Service"],
    ),
    // open-telemetry/opentelemetry-operator, jaegertracing/jaeger-operator
    related(
        "opentelemetry.io",
        &["OpAMPBridge", "OpenTelemetryCollector", "TargetAllocator"],
        &[
            "ConfigMap",
            "DaemonSet",
            "Deployment",
            "HorizontalPodAutoscaler",
            "Ingress",
            "PodDisruptionBudget",
            "Route",
            "Service",
            "ServiceAccount",
            "ServiceMonitor",
            "StatefulSet",
            "TargetAllocator",
        ],
    ),
    related(
        "jaegertracing.io",
        &["Jaeger"],
        &[
            "ConfigMap",
            "CronJob",
            "DaemonSet",
            "Deployment",
            "HorizontalPodAutoscaler",
            "Ingress",
            "Job",
            "Route",
            "Secret",
            "Service",
            "ServiceAccount",
        ],
    ),
    // knative/serving, knative/eventing
    related(
        "serving.knative.dev",
        &["Service"],
        &["Configuration", "Route"],
    ),
    related("serving.knative.dev", &["Configuration"], &["Revision"]),
    related(
        "serving.knative.dev",
        &["Route"],
        &["Certificate", "Ingress", "Service"],
    ),
    related(
        "serving.knative.dev",
        &["Revision"],
        &["Deployment", "Image", "PodAutoscaler"],
    ),
    related(
        "autoscaling.internal.knative.dev",
        &["PodAutoscaler"],
        &["HorizontalPodAutoscaler", "Metric", "ServerlessService"],
    ),
    related(
        "networking.internal.knative.dev",
        &["ServerlessService"],
        &["EndpointSlice", "Endpoints", "Service"],
    ),
    related(
        "messaging.knative.dev",
        &[
            "Channel",
            "InMemoryChannel",
            "Parallel",
            "Sequence",
            "Subscription",
        ],
        &["InMemoryChannel", "Service", "Subscription"],
    ),
    // istio/istio, envoyproxy/gateway and others create a proxy for each Gateway.
    related(
        "gateway.networking.k8s.io",
        &["Gateway"],
        &[
            "ConfigMap",
            "Deployment",
            "HorizontalPodAutoscaler",
            "PodDisruptionBudget",
            "Service",
            "ServiceAccount",
        ],
    ),
    // kedacore/keda
    related("keda.sh", &["ScaledObject"], &["HorizontalPodAutoscaler"]),
    related("keda.sh", &["ScaledJob"], &["Job"]),
    // keycloak/keycloak (operator)
    related(
        "k8s.keycloak.org",
        &["Keycloak"],
        &[
            "Ingress",
            "Job",
            "NetworkPolicy",
            "Secret",
            "Service",
            "StatefulSet",
        ],
    ),
    // rook/rook
    any(
        "ceph.rook.io",
        &["CephCluster"],
        &[
            "ConfigMap",
            "CronJob",
            "DaemonSet",
            "Deployment",
            "Job",
            "PodDisruptionBudget",
            "Secret",
            "Service",
        ],
    ),
    related(
        "ceph.rook.io",
        &[
            "CephFilesystem",
            "CephObjectStore",
            "CephObjectStoreUser",
            "CephNFS",
            "CephRBDMirror",
        ],
        &["ConfigMap", "Deployment", "Secret", "Service"],
    ),
    // kubevirt/kubevirt, kubevirt/containerized-data-importer
    related(
        "kubevirt.io",
        &["VirtualMachine"],
        &["ControllerRevision", "DataVolume", "VirtualMachineInstance"],
    ),
    related("kubevirt.io", &["VirtualMachineInstance"], &["Pod"]),
    related(
        "cdi.kubevirt.io",
        &["DataVolume"],
        &["PersistentVolumeClaim", "Pod"],
    ),
    // kubernetes-sigs: cluster-api, jobset, lws
    related(
        "controlplane.cluster.x-k8s.io",
        &["KubeadmControlPlane"],
        &["KubeadmConfig", "Machine", "Secret"],
    ),
    related(
        "bootstrap.cluster.x-k8s.io",
        &["KubeadmConfig"],
        &["Secret"],
    ),
    related("cluster.x-k8s.io", &["Cluster"], &["Secret"]),
    related("jobset.x-k8s.io", &["JobSet"], &["Job", "Service"]),
    related(
        "leaderworkerset.x-k8s.io",
        &["LeaderWorkerSet"],
        &["ControllerRevision", "Service", "StatefulSet"],
    ),
    // kubeflow, kubeflow/spark-operator, volcano-sh/volcano
    related(
        "kubeflow.org",
        &["MPIJob", "PyTorchJob", "TFJob", "XGBoostJob"],
        &["ConfigMap", "Pod", "Secret", "Service"],
    ),
    related("kubeflow.org", &["Notebook"], &["Service", "StatefulSet"]),
    related(
        "sparkoperator.k8s.io",
        &["SparkApplication"],
        &["ConfigMap", "Ingress", "Pod", "Service"],
    ),
    related(
        "sparkoperator.k8s.io",
        &["ScheduledSparkApplication"],
        &["SparkApplication"],
    ),
    related(
        "batch.volcano.sh",
        &["Job"],
        &["ConfigMap", "Pod", "PodGroup", "Secret", "Service"],
    ),
];
