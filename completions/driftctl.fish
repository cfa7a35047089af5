# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_driftctl_global_optspecs
    string join \n color= h/help V/version
end

function __fish_driftctl_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_driftctl_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_driftctl_using_subcommand
    set -l cmd (__fish_driftctl_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c driftctl -n "__fish_driftctl_needs_command" -l color -d 'Colour the output: when it goes to a terminal, always, or never' -r -f -a "auto\t'When the output goes to a terminal'
always\t'Always'
never\t'Never'"
complete -c driftctl -n "__fish_driftctl_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c driftctl -n "__fish_driftctl_needs_command" -s V -l version -d 'Print version'
complete -c driftctl -n "__fish_driftctl_needs_command" -f -a "diff" -d 'Compare manifests with a cluster and report what drifted'
complete -c driftctl -n "__fish_driftctl_needs_command" -f -a "schema" -d 'Print the JSON Schema of what driftctl writes or reads'
complete -c driftctl -n "__fish_driftctl_needs_command" -f -a "completions" -d 'Write a completion script for a shell'
complete -c driftctl -n "__fish_driftctl_needs_command" -f -a "version" -d 'Print the versions of driftctl and of the Kubernetes schema inside it'
complete -c driftctl -n "__fish_driftctl_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l app -d 'Compare what the Argo CD Applications and ApplicationSets in this file declare' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l kustomization -d 'Compare what the Flux Kustomizations in this file declare' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l repo-root -d 'Let the paths in Applications and Kustomizations start in this folder' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l kustomize-bin -d 'Render kustomizations with this program: kustomize, or a kubectl' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l helm-bin -d 'Render charts with this helm, instead of the one on the PATH' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l values -d 'Render charts with the values in this file; of several, the last wins' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l set -d 'Render charts with this value: image.tag=1.4' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l release -d 'Render charts as a release of this name, instead of the chart\'s own' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l load-restrictor -d 'Let kustomizations and charts use files from outside their folder (none), or not (root-only)' -r -f -a "root-only\t'Files must lie in the kustomization\'s folder or below'
none\t'Files may lie anywhere'"
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l render-timeout -d 'End a renderer after so many seconds' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l live -d 'Read live objects from a file, a folder, or standard input (-) instead of a cluster' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l kubeconfig -d 'Read the connection from this kubeconfig file' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l context -d 'Use this context of the kubeconfig instead of its current one' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l request-timeout -d 'Give up a request after so many seconds' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l timeout -d 'Stop reading after so many seconds, and report what was read as incomplete' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l concurrency -d 'Keep at most so many requests under way' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -s n -l namespace -d 'Compare within this namespace' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -s l -l selector -d 'Look only at objects with such labels: app=cart,tier!=db,env in (a,b),!legacy' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l kind -d 'Look only at objects of this kind: deploy, Deployment, deployments.apps' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l extra -d 'Also report live objects that no manifest declares' -r -f -a "none\t'Nowhere'
namespace\t'In the namespaces of the declared objects'
managed\t'Only what Argo CD tracks, or Flux has in its inventory, for what --app or --kustomization names'"
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l field-manager -d 'Name a field manager that applies these manifests' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l audit-log -d 'Read who wrote what from an audit log of the API server' -r -F
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l fail-on -d 'Exit with 1 when any of these was found' -r -f -a "drift\t'Any difference: fields that drifted, objects that are missing or extra'
missing\t'Declared objects that are not live'
extra\t'Live objects that nobody declares'
unknown\t'What could not be compared, and nothing else; that exits with 2 whatever is named'
low\t'Drift of low severity and above'
medium\t'Drift of medium severity and above'
high\t'Drift of high severity and above'
critical\t'Drift of critical severity'"
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l max-missing -d 'Stop with 2 when more than so many declared objects are missing' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l max-extra -d 'Stop with 2 when more than so many live objects are declared nowhere' -r
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -s o -l output -d 'Write the report in this format, to standard output or to a file' -r -f -a "text\t'For reading, in colour on a terminal'
diff\t'A unified diff of YAML, declared against live, object by object'
json\t'One JSON document for other programs, versioned (driftctl.report/v1)'
yaml\t'The same document as YAML'
name\t'One Kind/namespace/name for each drifted, missing or extra object'
markdown\t'A comment on a pull request: verdict and table, details folded'
github\t'Annotations for GitHub Actions, at the lines of the manifests'
gitlab\t'A Code Quality report for GitLab merge requests'
sarif\t'SARIF 2.1.0 for code scanning'
junit\t'JUnit XML: each object a test, drift a failure, what was not compared an error'
prometheus\t'Metrics for Prometheus (textfile collector, push gateway)'
html\t'One self-contained page with side-by-side diffs and filters, without script'"
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l show -d 'List drift, also what rules ignore, or everything with its explanation' -r -f -a "drift\t'What counts as drift'
ignored\t'Also what rules ignore'
all\t'Also what is in sync, and what is explained and why'"
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l color -d 'Colour the output: when it goes to a terminal, always, or never' -r -f -a "auto\t'When the output goes to a terminal'
always\t'Always'
never\t'Never'"
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l no-render -d 'Read kustomizations and charts as plain files instead of rendering them'
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l allow-remote -d 'Let renderers fetch from other machines, which is refused otherwise'
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -s A -l all-namespaces -d 'Look in all namespaces, whatever --namespace and the context say'
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l allow-empty -d 'Accept that no object is found'
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -l exit-zero -d 'Exit with 0 although there is drift'
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -s v -l verbose -d 'Show long values in full, and name each file and document that was skipped'
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -s q -l quiet -d 'Print errors only; the exit code is the answer'
complete -c driftctl -n "__fish_driftctl_using_subcommand diff" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c driftctl -n "__fish_driftctl_using_subcommand schema" -l color -d 'Colour the output: when it goes to a terminal, always, or never' -r -f -a "auto\t'When the output goes to a terminal'
always\t'Always'
never\t'Never'"
complete -c driftctl -n "__fish_driftctl_using_subcommand schema" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c driftctl -n "__fish_driftctl_using_subcommand completions" -l color -d 'Colour the output: when it goes to a terminal, always, or never' -r -f -a "auto\t'When the output goes to a terminal'
always\t'Always'
never\t'Never'"
complete -c driftctl -n "__fish_driftctl_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c driftctl -n "__fish_driftctl_using_subcommand version" -s o -l output -d 'The format' -r -f -a "text\t'Lines to read'
json\t'One JSON object'"
complete -c driftctl -n "__fish_driftctl_using_subcommand version" -l color -d 'Colour the output: when it goes to a terminal, always, or never' -r -f -a "auto\t'When the output goes to a terminal'
always\t'Always'
never\t'Never'"
complete -c driftctl -n "__fish_driftctl_using_subcommand version" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c driftctl -n "__fish_driftctl_using_subcommand help; and not __fish_seen_subcommand_from diff schema completions version help" -f -a "diff" -d 'Compare manifests with a cluster and report what drifted'
complete -c driftctl -n "__fish_driftctl_using_subcommand help; and not __fish_seen_subcommand_from diff schema completions version help" -f -a "schema" -d 'Print the JSON Schema of what driftctl writes or reads'
complete -c driftctl -n "__fish_driftctl_using_subcommand help; and not __fish_seen_subcommand_from diff schema completions version help" -f -a "completions" -d 'Write a completion script for a shell'
complete -c driftctl -n "__fish_driftctl_using_subcommand help; and not __fish_seen_subcommand_from diff schema completions version help" -f -a "version" -d 'Print the versions of driftctl and of the Kubernetes schema inside it'
complete -c driftctl -n "__fish_driftctl_using_subcommand help; and not __fish_seen_subcommand_from diff schema completions version help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
