
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
            [CompletionResult]::new('schema', 'schema', [CompletionResultType]::ParameterValue, 'Print the JSON Schema of what driftctl writes or reads')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Write a completion script for a shell')
            [CompletionResult]::new('version', 'version', [CompletionResultType]::ParameterValue, 'Print the versions of driftctl and of the Kubernetes schema inside it')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'driftctl;diff' {
            [CompletionResult]::new('--app', '--app', [CompletionResultType]::ParameterName, 'Compare what the Argo CD Applications and ApplicationSets in this file declare')
            [CompletionResult]::new('--kustomization', '--kustomization', [CompletionResultType]::ParameterName, 'Compare what the Flux Kustomizations in this file declare')
            [CompletionResult]::new('--repo-root', '--repo-root', [CompletionResultType]::ParameterName, 'Let the paths in Applications and Kustomizations start in this folder')
            [CompletionResult]::new('--kustomize-bin', '--kustomize-bin', [CompletionResultType]::ParameterName, 'Render kustomizations with this program: kustomize, or a kubectl')
            [CompletionResult]::new('--helm-bin', '--helm-bin', [CompletionResultType]::ParameterName, 'Render charts with this helm, instead of the one on the PATH')
            [CompletionResult]::new('--values', '--values', [CompletionResultType]::ParameterName, 'Render charts with the values in this file; of several, the last wins')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Render charts with this value: image.tag=1.4')
            [CompletionResult]::new('--release', '--release', [CompletionResultType]::ParameterName, 'Render charts as a release of this name, instead of the chart''s own')
            [CompletionResult]::new('--load-restrictor', '--load-restrictor', [CompletionResultType]::ParameterName, 'Let kustomizations and charts use files from outside their folder (none), or not (root-only)')
            [CompletionResult]::new('--render-timeout', '--render-timeout', [CompletionResultType]::ParameterName, 'End a renderer after so many seconds')
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
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write the report in this format, to standard output or to a file')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write the report in this format, to standard output or to a file')
            [CompletionResult]::new('--show', '--show', [CompletionResultType]::ParameterName, 'List drift, also what rules ignore, or everything with its explanation')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output: when it goes to a terminal, always, or never')
            [CompletionResult]::new('--no-render', '--no-render', [CompletionResultType]::ParameterName, 'Read kustomizations and charts as plain files instead of rendering them')
            [CompletionResult]::new('--allow-remote', '--allow-remote', [CompletionResultType]::ParameterName, 'Let renderers fetch from other machines, which is refused otherwise')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Look in all namespaces, whatever --namespace and the context say')
            [CompletionResult]::new('--all-namespaces', '--all-namespaces', [CompletionResultType]::ParameterName, 'Look in all namespaces, whatever --namespace and the context say')
            [CompletionResult]::new('--allow-empty', '--allow-empty', [CompletionResultType]::ParameterName, 'Accept that no object is found')
            [CompletionResult]::new('--exit-zero', '--exit-zero', [CompletionResultType]::ParameterName, 'Exit with 0 although there is drift')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show long values in full, and name each file and document that was skipped')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show long values in full, and name each file and document that was skipped')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print errors only; the exit code is the answer')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print errors only; the exit code is the answer')
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
            [CompletionResult]::new('schema', 'schema', [CompletionResultType]::ParameterValue, 'Print the JSON Schema of what driftctl writes or reads')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Write a completion script for a shell')
            [CompletionResult]::new('version', 'version', [CompletionResultType]::ParameterValue, 'Print the versions of driftctl and of the Kubernetes schema inside it')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'driftctl;help;diff' {
            break
        }
        'driftctl;help;schema' {
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
