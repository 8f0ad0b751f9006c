# What all pictures share: size, colours that colour-blind readers can tell apart (Okabe and Ito),
# a light grid. Called with: out, kind of file, title.
set terminal ARG2 size 960,540 font "sans,12"
set output ARG1
set title ARG3 noenhanced
set datafile separator "\t"
set key top left
set grid back lc rgb "#d0d0d0"
set border 3
set tics nomirror
blue = "#0072b2"
orange = "#d55e00"
green = "#009e73"
grey = "#999999"
