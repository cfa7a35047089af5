
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'driftctl' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'driftctl'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'driftctl' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output: when it goes to a terminal, always, or never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('diff', 'diff', [CompletionResultType]::ParameterValue, 'Compare manifests with a cluster and report what drifted')
            [CompletionResult]::new('explain', 'explain', [CompletionResultType]::ParameterValue, 'Tell why a field of an object is drift, or why it is not')
            [CompletionResult]::new('revert', 'revert', [CompletionResultType]::ParameterValue, 'Make live objects what their manifests declare, field by field')
            [CompletionResult]::new('rules', 'rules', [CompletionResultType]::ParameterValue, 'List the rules, and where each is written')
            [CompletionResult]::new('accept', 'accept', [CompletionResultType]::ParameterValue, 'Record today''s drift as accepted, until it changes or expires')
            [CompletionResult]::new('debt', 'debt', [CompletionResultType]::ParameterValue, 'List accepted drift and how long it is accepted for; fails when something is overdue')
            [CompletionResult]::new('ignore', 'ignore', [CompletionResultType]::ParameterValue, 'Add a rule to .driftctl.yaml that ignores drift')
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Write a .driftctl.yaml in which everything is explained')
            [CompletionResult]::new('schema', 'schema', [CompletionResultType]::ParameterValue, 'Print the JSON Schema of what driftctl writes or reads')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Check connection, version, kinds and rights, and print the Roles that are missing')
            [CompletionResult]::new('snapshot', 'snapshot', [CompletionResultType]::ParameterValue, 'Write down what a diff would read, to look at it again later or elsewhere')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Write a completion script for a shell')
            [CompletionResult]::new('version', 'version', [CompletionResultType]::ParameterValue, 'Print the versions of driftctl and of the Kubernetes schema inside it')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'driftctl;diff' {
            [CompletionResult]::new('--app', '--app', [CompletionResultType]::ParameterName, 'Compare what the Argo CD Applications and ApplicationSets in this file declare')
            [CompletionResult]::new('--destination', '--destination', [CompletionResultType]::ParameterName, 'Of a repository for several clusters compare what is declared for this one')
            [CompletionResult]::new('--clusters', '--clusters', [CompletionResultType]::ParameterName, 'Expand the clusters generator of ApplicationSets with the clusters in this file')
            [CompletionResult]::new('--kustomization', '--kustomization', [CompletionResultType]::ParameterName, 'Compare what the Flux Kustomizations in this file declare')
            [CompletionResult]::new('--repo-root', '--repo-root', [CompletionResultType]::ParameterName, 'Let the paths in Applications and Kustomizations start in this folder')
            [CompletionResult]::new('--ref', '--ref', [CompletionResultType]::ParameterName, 'Read the paths as they are in Git at this revision instead of in the work tree')
            [CompletionResult]::new('--base', '--base', [CompletionResultType]::ParameterName, 'Compare with this base too, and tell the branch''s changes from those made live')
            [CompletionResult]::new('--kustomize-bin', '--kustomize-bin', [CompletionResultType]::ParameterName, 'Render kustomizations with this program: kustomize, or a kubectl')
            [CompletionResult]::new('--helm-bin', '--helm-bin', [CompletionResultType]::ParameterName, 'Render charts with this helm, instead of the one on the PATH')
            [CompletionResult]::new('--values', '--values', [CompletionResultType]::ParameterName, 'Render charts with the values in this file; of several, the last wins')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Render charts with this value: image.tag=1.4')
            [CompletionResult]::new('--set-string', '--set-string', [CompletionResultType]::ParameterName, 'Render charts with this value, which is a text whatever it looks like: image.tag=007')
            [CompletionResult]::new('--release', '--release', [CompletionResultType]::ParameterName, 'Render charts as a release of this name, instead of the chart''s own')
            [CompletionResult]::new('--load-restrictor', '--load-restrictor', [CompletionResultType]::ParameterName, 'Let kustomizations and charts use files from outside their folder (none), or not (root-only)')
            [CompletionResult]::new('--render-timeout', '--render-timeout', [CompletionResultType]::ParameterName, 'End a renderer after so many seconds')
            [CompletionResult]::new('--allow-namespace', '--allow-namespace', [CompletionResultType]::ParameterName, 'Refuse objects outside this namespace; nothing is read of them')
            [CompletionResult]::new('--allow-kind', '--allow-kind', [CompletionResultType]::ParameterName, 'Refuse objects of other kinds: deploy, Deployment, deployments.apps')
            [CompletionResult]::new('--live', '--live', [CompletionResultType]::ParameterName, 'Read live objects from a file, a folder, or standard input (-) instead of a cluster')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Read the connection from this kubeconfig file')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Use this context of the kubeconfig instead of its current one')
            [CompletionResult]::new('--request-timeout', '--request-timeout', [CompletionResultType]::ParameterName, 'Give up a request after so many seconds')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Stop reading after so many seconds, and report what was read as incomplete')
            [CompletionResult]::new('--concurrency', '--concurrency', [CompletionResultType]::ParameterName, 'Keep at most so many requests under way')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Compare within this namespace')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Compare within this namespace')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Look only at objects with such labels: app=cart,tier!=db,env in (a,b),!legacy')
            [CompletionResult]::new('--selector', '--selector', [CompletionResultType]::ParameterName, 'Look only at objects with such labels: app=cart,tier!=db,env in (a,b),!legacy')
            [CompletionResult]::new('--kind', '--kind', [CompletionResultType]::ParameterName, 'Look only at objects of this kind: deploy, Deployment, deployments.apps')
            [CompletionResult]::new('--extra', '--extra', [CompletionResultType]::ParameterName, 'Also report live objects that no manifest declares')
            [CompletionResult]::new('--field-manager', '--field-manager', [CompletionResultType]::ParameterName, 'Name a field manager that applies these manifests')
            [CompletionResult]::new('--audit-log', '--audit-log', [CompletionResultType]::ParameterName, 'Read who wrote what from an audit log of the API server')
            [CompletionResult]::new('--fail-on', '--fail-on', [CompletionResultType]::ParameterName, 'Exit with 1 when any of these was found')
            [CompletionResult]::new('--max-missing', '--max-missing', [CompletionResultType]::ParameterName, 'Stop with 2 when more than so many declared objects are missing')
            [CompletionResult]::new('--max-extra', '--max-extra', [CompletionResultType]::ParameterName, 'Stop with 2 when more than so many live objects are declared nowhere')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read rules from this file')
            [CompletionResult]::new('--baseline', '--baseline', [CompletionResultType]::ParameterName, 'Read accepted drift from this file')
            [CompletionResult]::new('--argocd-cm', '--argocd-cm', [CompletionResultType]::ParameterName, 'Take over what Argo CD ignores everywhere: its ConfigMap argocd-cm, from a file or (live) from the cluster')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write the report in this format, to standard output or to a file')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write the report in this format, to standard output or to a file')
            [CompletionResult]::new('--show', '--show', [CompletionResultType]::ParameterName, 'List drift, also what rules ignore, or everything with its explanation')
            [CompletionResult]::new('--redact', '--redact', [CompletionResultType]::ParameterName, 'Mask the values at this path too, below it as well, in every object or in those of a kind')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output: when it goes to a terminal, always, or never')
            [CompletionResult]::new('--plain', '--plain', [CompletionResultType]::ParameterName, 'Read the files of folders as they lie, and do not follow Kustomizations and Applications')
            [CompletionResult]::new('--target-revision', '--target-revision', [CompletionResultType]::ParameterName, 'Read Applications and Kustomizations at the revision that they ask for')
            [CompletionResult]::new('--blame', '--blame', [CompletionResultType]::ParameterName, 'Say which commit last touched each line that drifted, by whom and when')
            [CompletionResult]::new('--no-render', '--no-render', [CompletionResultType]::ParameterName, 'Read kustomizations and charts as plain files instead of rendering them')
            [CompletionResult]::new('--render', '--render', [CompletionResultType]::ParameterName, 'Render kustomizations and charts with --untrusted too, which renders nothing otherwise')
            [CompletionResult]::new('--no-sandbox', '--no-sandbox', [CompletionResultType]::ParameterName, 'Run renderers without Linux namespaces of their own')
            [CompletionResult]::new('--allow-remote', '--allow-remote', [CompletionResultType]::ParameterName, 'Let renderers fetch from other machines, which is refused otherwise')
            [CompletionResult]::new('--untrusted', '--untrusted', [CompletionResultType]::ParameterName, 'Do not trust whoever wrote the manifests: for pull requests from outside')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Look in all namespaces, whatever --namespace and the context say')
            [CompletionResult]::new('--all-namespaces', '--all-namespaces', [CompletionResultType]::ParameterName, 'Look in all namespaces, whatever --namespace and the context say')
            [CompletionResult]::new('--server-dry-run', '--server-dry-run', [CompletionResultType]::ParameterName, 'Ask the server what applying would change, so that webhooks and conversions are exact')
            [CompletionResult]::new('--strict-fields', '--strict-fields', [CompletionResultType]::ParameterName, 'Report declared fields that their type does not have as drift')
            [CompletionResult]::new('--allow-empty', '--allow-empty', [CompletionResultType]::ParameterName, 'Accept that no object is found')
            [CompletionResult]::new('--exit-zero', '--exit-zero', [CompletionResultType]::ParameterName, 'Exit with 0 although there is drift')
            [CompletionResult]::new('--no-config', '--no-config', [CompletionResultType]::ParameterName, 'Use built-in rules only; look for no .driftctl.yaml and no baseline')
            [CompletionResult]::new('--strict-rules', '--strict-rules', [CompletionResultType]::ParameterName, 'Take what is to be said of rules for errors: rules that hid nothing, are expired, or have no reason')
            [CompletionResult]::new('--show-secrets', '--show-secrets', [CompletionResultType]::ParameterName, 'Show secret values as they are')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show long values in full, and name each file and document that was skipped')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show long values in full, and name each file and document that was skipped')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print errors only; the exit code is the answer')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print errors only; the exit code is the answer')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'driftctl;explain' {
            [CompletionResult]::new('--app', '--app', [CompletionResultType]::ParameterName, 'Compare what the Argo CD Applications and ApplicationSets in this file declare')
            [CompletionResult]::new('--destination', '--destination', [CompletionResultType]::ParameterName, 'Of a repository for several clusters compare what is declared for this one')
            [CompletionResult]::new('--clusters', '--clusters', [CompletionResultType]::ParameterName, 'Expand the clusters generator of ApplicationSets with the clusters in this file')
            [CompletionResult]::new('--kustomization', '--kustomization', [CompletionResultType]::ParameterName, 'Compare what the Flux Kustomizations in this file declare')
            [CompletionResult]::new('--repo-root', '--repo-root', [CompletionResultType]::ParameterName, 'Let the paths in Applications and Kustomizations start in this folder')
            [CompletionResult]::new('--ref', '--ref', [CompletionResultType]::ParameterName, 'Read the paths as they are in Git at this revision instead of in the work tree')
            [CompletionResult]::new('--base', '--base', [CompletionResultType]::ParameterName, 'Compare with this base too, and tell the branch''s changes from those made live')
            [CompletionResult]::new('--kustomize-bin', '--kustomize-bin', [CompletionResultType]::ParameterName, 'Render kustomizations with this program: kustomize, or a kubectl')
            [CompletionResult]::new('--helm-bin', '--helm-bin', [CompletionResultType]::ParameterName, 'Render charts with this helm, instead of the one on the PATH')
            [CompletionResult]::new('--values', '--values', [CompletionResultType]::ParameterName, 'Render charts with the values in this file; of several, the last wins')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Render charts with this value: image.tag=1.4')
            [CompletionResult]::new('--set-string', '--set-string', [CompletionResultType]::ParameterName, 'Render charts with this value, which is a text whatever it looks like: image.tag=007')
            [CompletionResult]::new('--release', '--release', [CompletionResultType]::ParameterName, 'Render charts as a release of this name, instead of the chart''s own')
            [CompletionResult]::new('--load-restrictor', '--load-restrictor', [CompletionResultType]::ParameterName, 'Let kustomizations and charts use files from outside their folder (none), or not (root-only)')
            [CompletionResult]::new('--render-timeout', '--render-timeout', [CompletionResultType]::ParameterName, 'End a renderer after so many seconds')
            [CompletionResult]::new('--allow-namespace', '--allow-namespace', [CompletionResultType]::ParameterName, 'Refuse objects outside this namespace; nothing is read of them')
            [CompletionResult]::new('--allow-kind', '--allow-kind', [CompletionResultType]::ParameterName, 'Refuse objects of other kinds: deploy, Deployment, deployments.apps')
            [CompletionResult]::new('--live', '--live', [CompletionResultType]::ParameterName, 'Read live objects from a file, a folder, or standard input (-) instead of a cluster')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Read the connection from this kubeconfig file')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Use this context of the kubeconfig instead of its current one')
            [CompletionResult]::new('--request-timeout', '--request-timeout', [CompletionResultType]::ParameterName, 'Give up a request after so many seconds')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Stop reading after so many seconds, and report what was read as incomplete')
            [CompletionResult]::new('--concurrency', '--concurrency', [CompletionResultType]::ParameterName, 'Keep at most so many requests under way')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Compare within this namespace')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Compare within this namespace')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Look only at objects with such labels: app=cart,tier!=db,env in (a,b),!legacy')
            [CompletionResult]::new('--selector', '--selector', [CompletionResultType]::ParameterName, 'Look only at objects with such labels: app=cart,tier!=db,env in (a,b),!legacy')
            [CompletionResult]::new('--kind', '--kind', [CompletionResultType]::ParameterName, 'Look only at objects of this kind: deploy, Deployment, deployments.apps')
            [CompletionResult]::new('--extra', '--extra', [CompletionResultType]::ParameterName, 'Also report live objects that no manifest declares')
            [CompletionResult]::new('--field-manager', '--field-manager', [CompletionResultType]::ParameterName, 'Name a field manager that applies these manifests')
            [CompletionResult]::new('--audit-log', '--audit-log', [CompletionResultType]::ParameterName, 'Read who wrote what from an audit log of the API server')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read rules from this file')
            [CompletionResult]::new('--baseline', '--baseline', [CompletionResultType]::ParameterName, 'Read accepted drift from this file')
            [CompletionResult]::new('--argocd-cm', '--argocd-cm', [CompletionResultType]::ParameterName, 'Take over what Argo CD ignores everywhere: its ConfigMap argocd-cm, from a file or (live) from the cluster')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write text to read, or a document for other programs')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write text to read, or a document for other programs')
            [CompletionResult]::new('--redact', '--redact', [CompletionResultType]::ParameterName, 'Mask the values at this path too, below it as well, in every object or in those of a kind')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output: when it goes to a terminal, always, or never')
            [CompletionResult]::new('--plain', '--plain', [CompletionResultType]::ParameterName, 'Read the files of folders as they lie, and do not follow Kustomizations and Applications')
            [CompletionResult]::new('--target-revision', '--target-revision', [CompletionResultType]::ParameterName, 'Read Applications and Kustomizations at the revision that they ask for')
            [CompletionResult]::new('--blame', '--blame', [CompletionResultType]::ParameterName, 'Say which commit last touched each line that drifted, by whom and when')
            [CompletionResult]::new('--no-render', '--no-render', [CompletionResultType]::ParameterName, 'Read kustomizations and charts as plain files instead of rendering them')
            [CompletionResult]::new('--render', '--render', [CompletionResultType]::ParameterName, 'Render kustomizations and charts with --untrusted too, which renders nothing otherwise')
            [CompletionResult]::new('--no-sandbox', '--no-sandbox', [CompletionResultType]::ParameterName, 'Run renderers without Linux namespaces of their own')
            [CompletionResult]::new('--allow-remote', '--allow-remote', [CompletionResultType]::ParameterName, 'Let renderers fetch from other machines, which is refused otherwise')
            [CompletionResult]::new('--untrusted', '--untrusted', [CompletionResultType]::ParameterName, 'Do not trust whoever wrote the manifests: for pull requests from outside')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Look in all namespaces, whatever --namespace and the context say')
            [CompletionResult]::new('--all-namespaces', '--all-namespaces', [CompletionResultType]::ParameterName, 'Look in all namespaces, whatever --namespace and the context say')
            [CompletionResult]::new('--server-dry-run', '--server-dry-run', [CompletionResultType]::ParameterName, 'Ask the server what applying would change, so that webhooks and conversions are exact')
            [CompletionResult]::new('--strict-fields', '--strict-fields', [CompletionResultType]::ParameterName, 'Report declared fields that their type does not have as drift')
            [CompletionResult]::new('--allow-empty', '--allow-empty', [CompletionResultType]::ParameterName, 'Accept that no object is found')
            [CompletionResult]::new('--no-config', '--no-config', [CompletionResultType]::ParameterName, 'Use built-in rules only; look for no .driftctl.yaml and no baseline')
            [CompletionResult]::new('--strict-rules', '--strict-rules', [CompletionResultType]::ParameterName, 'Take what is to be said of rules for errors: rules that hid nothing, are expired, or have no reason')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'driftctl;revert' {
            [CompletionResult]::new('--max-delete', '--max-delete', [CompletionResultType]::ParameterName, 'Refuse to delete more objects')
            [CompletionResult]::new('--max-objects', '--max-objects', [CompletionResultType]::ParameterName, 'Refuse to write to more objects')
            [CompletionResult]::new('--include', '--include', [CompletionResultType]::ParameterName, 'Also undo changes of this cause, in which Git is ahead of the cluster: that deploys them')
            [CompletionResult]::new('--to', '--to', [CompletionResultType]::ParameterName, 'Go back to what this Git revision declared: --ref REVISION --include unapplied,dropped')
            [CompletionResult]::new('--field-manager', '--field-manager', [CompletionResultType]::ParameterName, 'Write under this name instead of the name of whoever applies the object')
            [CompletionResult]::new('--undo', '--undo', [CompletionResultType]::ParameterName, 'Take an earlier revert back: the last one of this cluster, or the one of this name')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'The format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'The format')
            [CompletionResult]::new('--extra', '--extra', [CompletionResultType]::ParameterName, 'Also report live objects that no manifest declares, for --prune')
            [CompletionResult]::new('--audit-log', '--audit-log', [CompletionResultType]::ParameterName, 'Read who wrote what from an audit log of the API server')
            [CompletionResult]::new('--object', '--object', [CompletionResultType]::ParameterName, 'Only drift of this object (* is a wildcard in the name)')
            [CompletionResult]::new('--path', '--path', [CompletionResultType]::ParameterName, 'Only drift at these paths, with wildcards as in rules; may be given several times')
            [CompletionResult]::new('--app', '--app', [CompletionResultType]::ParameterName, 'Compare what the Argo CD Applications and ApplicationSets in this file declare')
            [CompletionResult]::new('--destination', '--destination', [CompletionResultType]::ParameterName, 'Of a repository for several clusters compare what is declared for this one')
            [CompletionResult]::new('--clusters', '--clusters', [CompletionResultType]::ParameterName, 'Expand the clusters generator of ApplicationSets with the clusters in this file')
            [CompletionResult]::new('--kustomization', '--kustomization', [CompletionResultType]::ParameterName, 'Compare what the Flux Kustomizations in this file declare')
            [CompletionResult]::new('--repo-root', '--repo-root', [CompletionResultType]::ParameterName, 'Let the paths in Applications and Kustomizations start in this folder')
            [CompletionResult]::new('--ref', '--ref', [CompletionResultType]::ParameterName, 'Read the paths as they are in Git at this revision instead of in the work tree')
            [CompletionResult]::new('--base', '--base', [CompletionResultType]::ParameterName, 'Compare with this base too, and tell the branch''s changes from those made live')
            [CompletionResult]::new('--kustomize-bin', '--kustomize-bin', [CompletionResultType]::ParameterName, 'Render kustomizations with this program: kustomize, or a kubectl')
            [CompletionResult]::new('--helm-bin', '--helm-bin', [CompletionResultType]::ParameterName, 'Render charts with this helm, instead of the one on the PATH')
            [CompletionResult]::new('--values', '--values', [CompletionResultType]::ParameterName, 'Render charts with the values in this file; of several, the last wins')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Render charts with this value: image.tag=1.4')
            [CompletionResult]::new('--set-string', '--set-string', [CompletionResultType]::ParameterName, 'Render charts with this value, which is a text whatever it looks like: image.tag=007')
            [CompletionResult]::new('--release', '--release', [CompletionResultType]::ParameterName, 'Render charts as a release of this name, instead of the chart''s own')
            [CompletionResult]::new('--load-restrictor', '--load-restrictor', [CompletionResultType]::ParameterName, 'Let kustomizations and charts use files from outside their folder (none), or not (root-only)')
            [CompletionResult]::new('--render-timeout', '--render-timeout', [CompletionResultType]::ParameterName, 'End a renderer after so many seconds')
            [CompletionResult]::new('--allow-namespace', '--allow-namespace', [CompletionResultType]::ParameterName, 'Refuse objects outside this namespace; nothing is read of them')
            [CompletionResult]::new('--allow-kind', '--allow-kind', [CompletionResultType]::ParameterName, 'Refuse objects of other kinds: deploy, Deployment, deployments.apps')
            [CompletionResult]::new('--live', '--live', [CompletionResultType]::ParameterName, 'Read live objects from a file, a folder, or standard input (-) instead of a cluster')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Read the connection from this kubeconfig file')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Use this context of the kubeconfig instead of its current one')
            [CompletionResult]::new('--request-timeout', '--request-timeout', [CompletionResultType]::ParameterName, 'Give up a request after so many seconds')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Stop reading after so many seconds, and report what was read as incomplete')
            [CompletionResult]::new('--concurrency', '--concurrency', [CompletionResultType]::ParameterName, 'Keep at most so many requests under way')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Compare within this namespace')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Compare within this namespace')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Look only at objects with such labels: app=cart,tier!=db,env in (a,b),!legacy')
            [CompletionResult]::new('--selector', '--selector', [CompletionResultType]::ParameterName, 'Look only at objects with such labels: app=cart,tier!=db,env in (a,b),!legacy')
            [CompletionResult]::new('--kind', '--kind', [CompletionResultType]::ParameterName, 'Look only at objects of this kind: deploy, Deployment, deployments.apps')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read rules from this file')
            [CompletionResult]::new('--baseline', '--baseline', [CompletionResultType]::ParameterName, 'Read accepted drift from this file')
            [CompletionResult]::new('--argocd-cm', '--argocd-cm', [CompletionResultType]::ParameterName, 'Take over what Argo CD ignores everywhere: its ConfigMap argocd-cm, from a file or (live) from the cluster')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output: when it goes to a terminal, always, or never')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show what would be done and ask the server whether it would (dryRun=All); change nothing')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do it without a question')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do it without a question')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Undo all drift that is found')
            [CompletionResult]::new('--create', '--create', [CompletionResultType]::ParameterName, 'Also create objects that are missing')
            [CompletionResult]::new('--prune', '--prune', [CompletionResultType]::ParameterName, 'Also delete the objects that --extra finds')
            [CompletionResult]::new('--keep-going', '--keep-going', [CompletionResultType]::ParameterName, 'Go on with the other objects when one is refused')
            [CompletionResult]::new('--skip-dry-run', '--skip-dry-run', [CompletionResultType]::ParameterName, 'Do not ask the server first whether it would accept the changes')
            [CompletionResult]::new('--no-event', '--no-event', [CompletionResultType]::ParameterName, 'Write no Event on the objects')
            [CompletionResult]::new('--list-undo', '--list-undo', [CompletionResultType]::ParameterName, 'List the reverts that can be taken back')
            [CompletionResult]::new('--plain', '--plain', [CompletionResultType]::ParameterName, 'Read the files of folders as they lie, and do not follow Kustomizations and Applications')
            [CompletionResult]::new('--target-revision', '--target-revision', [CompletionResultType]::ParameterName, 'Read Applications and Kustomizations at the revision that they ask for')
            [CompletionResult]::new('--blame', '--blame', [CompletionResultType]::ParameterName, 'Say which commit last touched each line that drifted, by whom and when')
            [CompletionResult]::new('--no-render', '--no-render', [CompletionResultType]::ParameterName, 'Read kustomizations and charts as plain files instead of rendering them')
            [CompletionResult]::new('--render', '--render', [CompletionResultType]::ParameterName, 'Render kustomizations and charts with --untrusted too, which renders nothing otherwise')
            [CompletionResult]::new('--no-sandbox', '--no-sandbox', [CompletionResultType]::ParameterName, 'Run renderers without Linux namespaces of their own')
            [CompletionResult]::new('--allow-remote', '--allow-remote', [CompletionResultType]::ParameterName, 'Let renderers fetch from other machines, which is refused otherwise')
            [CompletionResult]::new('--untrusted', '--untrusted', [CompletionResultType]::ParameterName, 'Do not trust whoever wrote the manifests: for pull requests from outside')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Look in all namespaces, whatever --namespace and the context say')
            [CompletionResult]::new('--all-namespaces', '--all-namespaces', [CompletionResultType]::ParameterName, 'Look in all namespaces, whatever --namespace and the context say')
            [CompletionResult]::new('--no-config', '--no-config', [CompletionResultType]::ParameterName, 'Use built-in rules only; look for no .driftctl.yaml and no baseline')
            [CompletionResult]::new('--strict-rules', '--strict-rules', [CompletionResultType]::ParameterName, 'Take what is to be said of rules for errors: rules that hid nothing, are expired, or have no reason')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'driftctl;rules' {
            [CompletionResult]::new('--app', '--app', [CompletionResultType]::ParameterName, 'Compare what the Argo CD Applications and ApplicationSets in this file declare')
            [CompletionResult]::new('--destination', '--destination', [CompletionResultType]::ParameterName, 'Of a repository for several clusters compare what is declared for this one')
            [CompletionResult]::new('--clusters', '--clusters', [CompletionResultType]::ParameterName, 'Expand the clusters generator of ApplicationSets with the clusters in this file')
            [CompletionResult]::new('--kustomization', '--kustomization', [CompletionResultType]::ParameterName, 'Compare what the Flux Kustomizations in this file declare')
            [CompletionResult]::new('--repo-root', '--repo-root', [CompletionResultType]::ParameterName, 'Let the paths in Applications and Kustomizations start in this folder')
            [CompletionResult]::new('--ref', '--ref', [CompletionResultType]::ParameterName, 'Read the paths as they are in Git at this revision instead of in the work tree')
            [CompletionResult]::new('--base', '--base', [CompletionResultType]::ParameterName, 'Compare with this base too, and tell the branch''s changes from those made live')
            [CompletionResult]::new('--kustomize-bin', '--kustomize-bin', [CompletionResultType]::ParameterName, 'Render kustomizations with this program: kustomize, or a kubectl')
            [CompletionResult]::new('--helm-bin', '--helm-bin', [CompletionResultType]::ParameterName, 'Render charts with this helm, instead of the one on the PATH')
            [CompletionResult]::new('--values', '--values', [CompletionResultType]::ParameterName, 'Render charts with the values in this file; of several, the last wins')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Render charts with this value: image.tag=1.4')
            [CompletionResult]::new('--set-string', '--set-string', [CompletionResultType]::ParameterName, 'Render charts with this value, which is a text whatever it looks like: image.tag=007')
            [CompletionResult]::new('--release', '--release', [CompletionResultType]::ParameterName, 'Render charts as a release of this name, instead of the chart''s own')
            [CompletionResult]::new('--load-restrictor', '--load-restrictor', [CompletionResultType]::ParameterName, 'Let kustomizations and charts use files from outside their folder (none), or not (root-only)')
            [CompletionResult]::new('--render-timeout', '--render-timeout', [CompletionResultType]::ParameterName, 'End a renderer after so many seconds')
            [CompletionResult]::new('--allow-namespace', '--allow-namespace', [CompletionResultType]::ParameterName, 'Refuse objects outside this namespace; nothing is read of them')
            [CompletionResult]::new('--allow-kind', '--allow-kind', [CompletionResultType]::ParameterName, 'Refuse objects of other kinds: deploy, Deployment, deployments.apps')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read rules from this file')
            [CompletionResult]::new('--baseline', '--baseline', [CompletionResultType]::ParameterName, 'Read accepted drift from this file')
            [CompletionResult]::new('--argocd-cm', '--argocd-cm', [CompletionResultType]::ParameterName, 'Take over what Argo CD ignores everywhere: its ConfigMap argocd-cm, from a file or (live) from the cluster')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'The format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'The format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output: when it goes to a terminal, always, or never')
            [CompletionResult]::new('--plain', '--plain', [CompletionResultType]::ParameterName, 'Read the files of folders as they lie, and do not follow Kustomizations and Applications')
            [CompletionResult]::new('--target-revision', '--target-revision', [CompletionResultType]::ParameterName, 'Read Applications and Kustomizations at the revision that they ask for')
            [CompletionResult]::new('--blame', '--blame', [CompletionResultType]::ParameterName, 'Say which commit last touched each line that drifted, by whom and when')
            [CompletionResult]::new('--no-render', '--no-render', [CompletionResultType]::ParameterName, 'Read kustomizations and charts as plain files instead of rendering them')
            [CompletionResult]::new('--render', '--render', [CompletionResultType]::ParameterName, 'Render kustomizations and charts with --untrusted too, which renders nothing otherwise')
            [CompletionResult]::new('--no-sandbox', '--no-sandbox', [CompletionResultType]::ParameterName, 'Run renderers without Linux namespaces of their own')
            [CompletionResult]::new('--allow-remote', '--allow-remote', [CompletionResultType]::ParameterName, 'Let renderers fetch from other machines, which is refused otherwise')
            [CompletionResult]::new('--untrusted', '--untrusted', [CompletionResultType]::ParameterName, 'Do not trust whoever wrote the manifests: for pull requests from outside')
            [CompletionResult]::new('--no-config', '--no-config', [CompletionResultType]::ParameterName, 'Use built-in rules only; look for no .driftctl.yaml and no baseline')
            [CompletionResult]::new('--strict-rules', '--strict-rules', [CompletionResultType]::ParameterName, 'Take what is to be said of rules for errors: rules that hid nothing, are expired, or have no reason')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'driftctl;accept' {
            [CompletionResult]::new('--object', '--object', [CompletionResultType]::ParameterName, 'Accept only drift of this object (* is a wildcard in the name)')
            [CompletionResult]::new('--path', '--path', [CompletionResultType]::ParameterName, 'Accept only drift at these paths, with wildcards as in rules; may be given several times')
            [CompletionResult]::new('--reason', '--reason', [CompletionResultType]::ParameterName, 'Why it is accepted')
            [CompletionResult]::new('--ticket', '--ticket', [CompletionResultType]::ParameterName, 'Where it is discussed')
            [CompletionResult]::new('--expires', '--expires', [CompletionResultType]::ParameterName, 'Until when: 24h, 7d, 2w, a date (its end in UTC), or a time')
            [CompletionResult]::new('--app', '--app', [CompletionResultType]::ParameterName, 'Compare what the Argo CD Applications and ApplicationSets in this file declare')
            [CompletionResult]::new('--destination', '--destination', [CompletionResultType]::ParameterName, 'Of a repository for several clusters compare what is declared for this one')
            [CompletionResult]::new('--clusters', '--clusters', [CompletionResultType]::ParameterName, 'Expand the clusters generator of ApplicationSets with the clusters in this file')
            [CompletionResult]::new('--kustomization', '--kustomization', [CompletionResultType]::ParameterName, 'Compare what the Flux Kustomizations in this file declare')
            [CompletionResult]::new('--repo-root', '--repo-root', [CompletionResultType]::ParameterName, 'Let the paths in Applications and Kustomizations start in this folder')
            [CompletionResult]::new('--ref', '--ref', [CompletionResultType]::ParameterName, 'Read the paths as they are in Git at this revision instead of in the work tree')
            [CompletionResult]::new('--base', '--base', [CompletionResultType]::ParameterName, 'Compare with this base too, and tell the branch''s changes from those made live')
            [CompletionResult]::new('--kustomize-bin', '--kustomize-bin', [CompletionResultType]::ParameterName, 'Render kustomizations with this program: kustomize, or a kubectl')
            [CompletionResult]::new('--helm-bin', '--helm-bin', [CompletionResultType]::ParameterName, 'Render charts with this helm, instead of the one on the PATH')
            [CompletionResult]::new('--values', '--values', [CompletionResultType]::ParameterName, 'Render charts with the values in this file; of several, the last wins')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Render charts with this value: image.tag=1.4')
            [CompletionResult]::new('--set-string', '--set-string', [CompletionResultType]::ParameterName, 'Render charts with this value, which is a text whatever it looks like: image.tag=007')
            [CompletionResult]::new('--release', '--release', [CompletionResultType]::ParameterName, 'Render charts as a release of this name, instead of the chart''s own')
            [CompletionResult]::new('--load-restrictor', '--load-restrictor', [CompletionResultType]::ParameterName, 'Let kustomizations and charts use files from outside their folder (none), or not (root-only)')
            [CompletionResult]::new('--render-timeout', '--render-timeout', [CompletionResultType]::ParameterName, 'End a renderer after so many seconds')
            [CompletionResult]::new('--allow-namespace', '--allow-namespace', [CompletionResultType]::ParameterName, 'Refuse objects outside this namespace; nothing is read of them')
            [CompletionResult]::new('--allow-kind', '--allow-kind', [CompletionResultType]::ParameterName, 'Refuse objects of other kinds: deploy, Deployment, deployments.apps')
            [CompletionResult]::new('--live', '--live', [CompletionResultType]::ParameterName, 'Read live objects from a file, a folder, or standard input (-) instead of a cluster')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Read the connection from this kubeconfig file')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Use this context of the kubeconfig instead of its current one')
            [CompletionResult]::new('--request-timeout', '--request-timeout', [CompletionResultType]::ParameterName, 'Give up a request after so many seconds')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Stop reading after so many seconds, and report what was read as incomplete')
            [CompletionResult]::new('--concurrency', '--concurrency', [CompletionResultType]::ParameterName, 'Keep at most so many requests under way')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Compare within this namespace')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Compare within this namespace')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Look only at objects with such labels: app=cart,tier!=db,env in (a,b),!legacy')
            [CompletionResult]::new('--selector', '--selector', [CompletionResultType]::ParameterName, 'Look only at objects with such labels: app=cart,tier!=db,env in (a,b),!legacy')
            [CompletionResult]::new('--kind', '--kind', [CompletionResultType]::ParameterName, 'Look only at objects of this kind: deploy, Deployment, deployments.apps')
            [CompletionResult]::new('--extra', '--extra', [CompletionResultType]::ParameterName, 'Also report live objects that no manifest declares')
            [CompletionResult]::new('--field-manager', '--field-manager', [CompletionResultType]::ParameterName, 'Name a field manager that applies these manifests')
            [CompletionResult]::new('--audit-log', '--audit-log', [CompletionResultType]::ParameterName, 'Read who wrote what from an audit log of the API server')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read rules from this file')
            [CompletionResult]::new('--baseline', '--baseline', [CompletionResultType]::ParameterName, 'Read accepted drift from this file')
            [CompletionResult]::new('--argocd-cm', '--argocd-cm', [CompletionResultType]::ParameterName, 'Take over what Argo CD ignores everywhere: its ConfigMap argocd-cm, from a file or (live) from the cluster')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output: when it goes to a terminal, always, or never')
            [CompletionResult]::new('--plain', '--plain', [CompletionResultType]::ParameterName, 'Read the files of folders as they lie, and do not follow Kustomizations and Applications')
            [CompletionResult]::new('--target-revision', '--target-revision', [CompletionResultType]::ParameterName, 'Read Applications and Kustomizations at the revision that they ask for')
            [CompletionResult]::new('--blame', '--blame', [CompletionResultType]::ParameterName, 'Say which commit last touched each line that drifted, by whom and when')
            [CompletionResult]::new('--no-render', '--no-render', [CompletionResultType]::ParameterName, 'Read kustomizations and charts as plain files instead of rendering them')
            [CompletionResult]::new('--render', '--render', [CompletionResultType]::ParameterName, 'Render kustomizations and charts with --untrusted too, which renders nothing otherwise')
            [CompletionResult]::new('--no-sandbox', '--no-sandbox', [CompletionResultType]::ParameterName, 'Run renderers without Linux namespaces of their own')
            [CompletionResult]::new('--allow-remote', '--allow-remote', [CompletionResultType]::ParameterName, 'Let renderers fetch from other machines, which is refused otherwise')
            [CompletionResult]::new('--untrusted', '--untrusted', [CompletionResultType]::ParameterName, 'Do not trust whoever wrote the manifests: for pull requests from outside')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Look in all namespaces, whatever --namespace and the context say')
            [CompletionResult]::new('--all-namespaces', '--all-namespaces', [CompletionResultType]::ParameterName, 'Look in all namespaces, whatever --namespace and the context say')
            [CompletionResult]::new('--server-dry-run', '--server-dry-run', [CompletionResultType]::ParameterName, 'Ask the server what applying would change, so that webhooks and conversions are exact')
            [CompletionResult]::new('--strict-fields', '--strict-fields', [CompletionResultType]::ParameterName, 'Report declared fields that their type does not have as drift')
            [CompletionResult]::new('--allow-empty', '--allow-empty', [CompletionResultType]::ParameterName, 'Accept that no object is found')
            [CompletionResult]::new('--no-config', '--no-config', [CompletionResultType]::ParameterName, 'Use built-in rules only; look for no .driftctl.yaml and no baseline')
            [CompletionResult]::new('--strict-rules', '--strict-rules', [CompletionResultType]::ParameterName, 'Take what is to be said of rules for errors: rules that hid nothing, are expired, or have no reason')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'driftctl;debt' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Look for the baseline next to this configuration')
            [CompletionResult]::new('--baseline', '--baseline', [CompletionResultType]::ParameterName, 'Read this baseline')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'The format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'The format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output: when it goes to a terminal, always, or never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'driftctl;ignore' {
            [CompletionResult]::new('--reason', '--reason', [CompletionResultType]::ParameterName, 'Why it is ignored')
            [CompletionResult]::new('--expires', '--expires', [CompletionResultType]::ParameterName, 'Until when: 24h, 7d, 2w, a date (its end in UTC), or a time')
            [CompletionResult]::new('--id', '--id', [CompletionResultType]::ParameterName, 'The rule''s name in reports')
            [CompletionResult]::new('--owner', '--owner', [CompletionResultType]::ParameterName, 'Who answers for the rule')
            [CompletionResult]::new('--ticket', '--ticket', [CompletionResultType]::ParameterName, 'Where it is discussed')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Add the rule to this file; otherwise to the .driftctl.yaml here or above, or to a new one')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output: when it goes to a terminal, always, or never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'driftctl;init' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output: when it goes to a terminal, always, or never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'driftctl;schema' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output: when it goes to a terminal, always, or never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'driftctl;doctor' {
            [CompletionResult]::new('--app', '--app', [CompletionResultType]::ParameterName, 'Compare what the Argo CD Applications and ApplicationSets in this file declare')
            [CompletionResult]::new('--destination', '--destination', [CompletionResultType]::ParameterName, 'Of a repository for several clusters compare what is declared for this one')
            [CompletionResult]::new('--clusters', '--clusters', [CompletionResultType]::ParameterName, 'Expand the clusters generator of ApplicationSets with the clusters in this file')
            [CompletionResult]::new('--kustomization', '--kustomization', [CompletionResultType]::ParameterName, 'Compare what the Flux Kustomizations in this file declare')
            [CompletionResult]::new('--repo-root', '--repo-root', [CompletionResultType]::ParameterName, 'Let the paths in Applications and Kustomizations start in this folder')
            [CompletionResult]::new('--ref', '--ref', [CompletionResultType]::ParameterName, 'Read the paths as they are in Git at this revision instead of in the work tree')
            [CompletionResult]::new('--base', '--base', [CompletionResultType]::ParameterName, 'Compare with this base too, and tell the branch''s changes from those made live')
            [CompletionResult]::new('--kustomize-bin', '--kustomize-bin', [CompletionResultType]::ParameterName, 'Render kustomizations with this program: kustomize, or a kubectl')
            [CompletionResult]::new('--helm-bin', '--helm-bin', [CompletionResultType]::ParameterName, 'Render charts with this helm, instead of the one on the PATH')
            [CompletionResult]::new('--values', '--values', [CompletionResultType]::ParameterName, 'Render charts with the values in this file; of several, the last wins')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Render charts with this value: image.tag=1.4')
            [CompletionResult]::new('--set-string', '--set-string', [CompletionResultType]::ParameterName, 'Render charts with this value, which is a text whatever it looks like: image.tag=007')
            [CompletionResult]::new('--release', '--release', [CompletionResultType]::ParameterName, 'Render charts as a release of this name, instead of the chart''s own')
            [CompletionResult]::new('--load-restrictor', '--load-restrictor', [CompletionResultType]::ParameterName, 'Let kustomizations and charts use files from outside their folder (none), or not (root-only)')
            [CompletionResult]::new('--render-timeout', '--render-timeout', [CompletionResultType]::ParameterName, 'End a renderer after so many seconds')
            [CompletionResult]::new('--allow-namespace', '--allow-namespace', [CompletionResultType]::ParameterName, 'Refuse objects outside this namespace; nothing is read of them')
            [CompletionResult]::new('--allow-kind', '--allow-kind', [CompletionResultType]::ParameterName, 'Refuse objects of other kinds: deploy, Deployment, deployments.apps')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Read the connection from this kubeconfig file')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Use this context of the kubeconfig instead of its current one')
            [CompletionResult]::new('--request-timeout', '--request-timeout', [CompletionResultType]::ParameterName, 'Give up a request after so many seconds')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Stop reading after so many seconds, and report what was read as incomplete')
            [CompletionResult]::new('--concurrency', '--concurrency', [CompletionResultType]::ParameterName, 'Keep at most so many requests under way')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Compare within this namespace')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Compare within this namespace')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Look only at objects with such labels: app=cart,tier!=db,env in (a,b),!legacy')
            [CompletionResult]::new('--selector', '--selector', [CompletionResultType]::ParameterName, 'Look only at objects with such labels: app=cart,tier!=db,env in (a,b),!legacy')
            [CompletionResult]::new('--kind', '--kind', [CompletionResultType]::ParameterName, 'Look only at objects of this kind: deploy, Deployment, deployments.apps')
            [CompletionResult]::new('--extra', '--extra', [CompletionResultType]::ParameterName, 'Also look at live objects that no manifest declares')
            [CompletionResult]::new('--for', '--for', [CompletionResultType]::ParameterName, 'Bind the printed Roles to this user instead of the one that asks; ''revert'' checks what driftctl revert needs')
            [CompletionResult]::new('--role-name', '--role-name', [CompletionResultType]::ParameterName, 'Name the printed Roles')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print a checklist, the same for programs, or nothing but the Roles')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Print a checklist, the same for programs, or nothing but the Roles')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output: when it goes to a terminal, always, or never')
            [CompletionResult]::new('--plain', '--plain', [CompletionResultType]::ParameterName, 'Read the files of folders as they lie, and do not follow Kustomizations and Applications')
            [CompletionResult]::new('--target-revision', '--target-revision', [CompletionResultType]::ParameterName, 'Read Applications and Kustomizations at the revision that they ask for')
            [CompletionResult]::new('--blame', '--blame', [CompletionResultType]::ParameterName, 'Say which commit last touched each line that drifted, by whom and when')
            [CompletionResult]::new('--no-render', '--no-render', [CompletionResultType]::ParameterName, 'Read kustomizations and charts as plain files instead of rendering them')
            [CompletionResult]::new('--render', '--render', [CompletionResultType]::ParameterName, 'Render kustomizations and charts with --untrusted too, which renders nothing otherwise')
            [CompletionResult]::new('--no-sandbox', '--no-sandbox', [CompletionResultType]::ParameterName, 'Run renderers without Linux namespaces of their own')
            [CompletionResult]::new('--allow-remote', '--allow-remote', [CompletionResultType]::ParameterName, 'Let renderers fetch from other machines, which is refused otherwise')
            [CompletionResult]::new('--untrusted', '--untrusted', [CompletionResultType]::ParameterName, 'Do not trust whoever wrote the manifests: for pull requests from outside')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Look in all namespaces, whatever --namespace and the context say')
            [CompletionResult]::new('--all-namespaces', '--all-namespaces', [CompletionResultType]::ParameterName, 'Look in all namespaces, whatever --namespace and the context say')
            [CompletionResult]::new('--server-dry-run', '--server-dry-run', [CompletionResultType]::ParameterName, 'Also check what asking the server for its predictions needs: the verb patch')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'driftctl;snapshot' {
            [CompletionResult]::new('--app', '--app', [CompletionResultType]::ParameterName, 'Compare what the Argo CD Applications and ApplicationSets in this file declare')
            [CompletionResult]::new('--destination', '--destination', [CompletionResultType]::ParameterName, 'Of a repository for several clusters compare what is declared for this one')
            [CompletionResult]::new('--clusters', '--clusters', [CompletionResultType]::ParameterName, 'Expand the clusters generator of ApplicationSets with the clusters in this file')
            [CompletionResult]::new('--kustomization', '--kustomization', [CompletionResultType]::ParameterName, 'Compare what the Flux Kustomizations in this file declare')
            [CompletionResult]::new('--repo-root', '--repo-root', [CompletionResultType]::ParameterName, 'Let the paths in Applications and Kustomizations start in this folder')
            [CompletionResult]::new('--ref', '--ref', [CompletionResultType]::ParameterName, 'Read the paths as they are in Git at this revision instead of in the work tree')
            [CompletionResult]::new('--base', '--base', [CompletionResultType]::ParameterName, 'Compare with this base too, and tell the branch''s changes from those made live')
            [CompletionResult]::new('--kustomize-bin', '--kustomize-bin', [CompletionResultType]::ParameterName, 'Render kustomizations with this program: kustomize, or a kubectl')
            [CompletionResult]::new('--helm-bin', '--helm-bin', [CompletionResultType]::ParameterName, 'Render charts with this helm, instead of the one on the PATH')
            [CompletionResult]::new('--values', '--values', [CompletionResultType]::ParameterName, 'Render charts with the values in this file; of several, the last wins')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Render charts with this value: image.tag=1.4')
            [CompletionResult]::new('--set-string', '--set-string', [CompletionResultType]::ParameterName, 'Render charts with this value, which is a text whatever it looks like: image.tag=007')
            [CompletionResult]::new('--release', '--release', [CompletionResultType]::ParameterName, 'Render charts as a release of this name, instead of the chart''s own')
            [CompletionResult]::new('--load-restrictor', '--load-restrictor', [CompletionResultType]::ParameterName, 'Let kustomizations and charts use files from outside their folder (none), or not (root-only)')
            [CompletionResult]::new('--render-timeout', '--render-timeout', [CompletionResultType]::ParameterName, 'End a renderer after so many seconds')
            [CompletionResult]::new('--allow-namespace', '--allow-namespace', [CompletionResultType]::ParameterName, 'Refuse objects outside this namespace; nothing is read of them')
            [CompletionResult]::new('--allow-kind', '--allow-kind', [CompletionResultType]::ParameterName, 'Refuse objects of other kinds: deploy, Deployment, deployments.apps')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Read the connection from this kubeconfig file')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Use this context of the kubeconfig instead of its current one')
            [CompletionResult]::new('--request-timeout', '--request-timeout', [CompletionResultType]::ParameterName, 'Give up a request after so many seconds')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Stop reading after so many seconds, and report what was read as incomplete')
            [CompletionResult]::new('--concurrency', '--concurrency', [CompletionResultType]::ParameterName, 'Keep at most so many requests under way')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Compare within this namespace')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Compare within this namespace')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Look only at objects with such labels: app=cart,tier!=db,env in (a,b),!legacy')
            [CompletionResult]::new('--selector', '--selector', [CompletionResultType]::ParameterName, 'Look only at objects with such labels: app=cart,tier!=db,env in (a,b),!legacy')
            [CompletionResult]::new('--kind', '--kind', [CompletionResultType]::ParameterName, 'Look only at objects of this kind: deploy, Deployment, deployments.apps')
            [CompletionResult]::new('--extra', '--extra', [CompletionResultType]::ParameterName, 'Also look at live objects that no manifest declares')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read from this file what else is secret: the paths that it calls sensitive')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write to this file, which only its owner may read, instead of to standard output')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write to this file, which only its owner may read, instead of to standard output')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output: when it goes to a terminal, always, or never')
            [CompletionResult]::new('--plain', '--plain', [CompletionResultType]::ParameterName, 'Read the files of folders as they lie, and do not follow Kustomizations and Applications')
            [CompletionResult]::new('--target-revision', '--target-revision', [CompletionResultType]::ParameterName, 'Read Applications and Kustomizations at the revision that they ask for')
            [CompletionResult]::new('--blame', '--blame', [CompletionResultType]::ParameterName, 'Say which commit last touched each line that drifted, by whom and when')
            [CompletionResult]::new('--no-render', '--no-render', [CompletionResultType]::ParameterName, 'Read kustomizations and charts as plain files instead of rendering them')
            [CompletionResult]::new('--render', '--render', [CompletionResultType]::ParameterName, 'Render kustomizations and charts with --untrusted too, which renders nothing otherwise')
            [CompletionResult]::new('--no-sandbox', '--no-sandbox', [CompletionResultType]::ParameterName, 'Run renderers without Linux namespaces of their own')
            [CompletionResult]::new('--allow-remote', '--allow-remote', [CompletionResultType]::ParameterName, 'Let renderers fetch from other machines, which is refused otherwise')
            [CompletionResult]::new('--untrusted', '--untrusted', [CompletionResultType]::ParameterName, 'Do not trust whoever wrote the manifests: for pull requests from outside')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Look in all namespaces, whatever --namespace and the context say')
            [CompletionResult]::new('--all-namespaces', '--all-namespaces', [CompletionResultType]::ParameterName, 'Look in all namespaces, whatever --namespace and the context say')
            [CompletionResult]::new('--redact', '--redact', [CompletionResultType]::ParameterName, 'Mask the values of Secrets, and whatever else looks secret')
            [CompletionResult]::new('--no-config', '--no-config', [CompletionResultType]::ParameterName, 'Mask what is secret by the built-in patterns only; look for no .driftctl.yaml')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'driftctl;completions' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output: when it goes to a terminal, always, or never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'driftctl;version' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'The format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'The format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output: when it goes to a terminal, always, or never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'driftctl;help' {
            [CompletionResult]::new('diff', 'diff', [CompletionResultType]::ParameterValue, 'Compare manifests with a cluster and report what drifted')
            [CompletionResult]::new('explain', 'explain', [CompletionResultType]::ParameterValue, 'Tell why a field of an object is drift, or why it is not')
            [CompletionResult]::new('revert', 'revert', [CompletionResultType]::ParameterValue, 'Make live objects what their manifests declare, field by field')
            [CompletionResult]::new('rules', 'rules', [CompletionResultType]::ParameterValue, 'List the rules, and where each is written')
            [CompletionResult]::new('accept', 'accept', [CompletionResultType]::ParameterValue, 'Record today''s drift as accepted, until it changes or expires')
            [CompletionResult]::new('debt', 'debt', [CompletionResultType]::ParameterValue, 'List accepted drift and how long it is accepted for; fails when something is overdue')
            [CompletionResult]::new('ignore', 'ignore', [CompletionResultType]::ParameterValue, 'Add a rule to .driftctl.yaml that ignores drift')
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Write a .driftctl.yaml in which everything is explained')
            [CompletionResult]::new('schema', 'schema', [CompletionResultType]::ParameterValue, 'Print the JSON Schema of what driftctl writes or reads')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Check connection, version, kinds and rights, and print the Roles that are missing')
            [CompletionResult]::new('snapshot', 'snapshot', [CompletionResultType]::ParameterValue, 'Write down what a diff would read, to look at it again later or elsewhere')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Write a completion script for a shell')
            [CompletionResult]::new('version', 'version', [CompletionResultType]::ParameterValue, 'Print the versions of driftctl and of the Kubernetes schema inside it')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'driftctl;help;diff' {
            break
        }
        'driftctl;help;explain' {
            break
        }
        'driftctl;help;revert' {
            break
        }
        'driftctl;help;rules' {
            break
        }
        'driftctl;help;accept' {
            break
        }
        'driftctl;help;debt' {
            break
        }
        'driftctl;help;ignore' {
            break
        }
        'driftctl;help;init' {
            break
        }
        'driftctl;help;schema' {
            break
        }
        'driftctl;help;doctor' {
            break
        }
        'driftctl;help;snapshot' {
            break
        }
        'driftctl;help;completions' {
            break
        }
        'driftctl;help;version' {
            break
        }
        'driftctl;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
