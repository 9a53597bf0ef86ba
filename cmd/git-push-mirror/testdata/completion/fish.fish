# Completes each line of the input at its end and prints what is offered, without its description, then a line "====".
# $argv[1] is a folder with completions.
source $argv[1]/git-push-mirror.fish
while read -l line
    complete -C $line | string replace -r '\t.*' ''
    echo ====
end
