# Eclipse: where the links lead that victims chose after a restart, by the network groups that the
# adversary has addresses in; and the share that the rule of one link to a group allows of eight.
# Called with: the table of the sweep, out, kind of file, title.
call "common.gp" ARG2 ARG3 ARG4
table = ARG1
set xlabel "network groups of the adversary"
set ylabel "links that lead to it"
set logscale x 2
set xrange [0.8:80]
set yrange [0:1]
plot (x < 8 ? x / 8 : 1) with lines dt 3 lw 2 lc rgb grey title "one link to a group", \
     table using 1:3:(1.96*$4) every ::1 \
         with yerrorbars pt 7 ps 0.8 lw 2 lc rgb blue title "measured", \
     table using 1:3 every ::1 with lines lc rgb blue notitle
